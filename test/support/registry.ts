import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';
import { describeWithDocker } from './docker.ts';

const promised = process.env.CLAIMS_API_TEST_REGISTRY;

/** An OCI registry without TLS on this machine: where CLAIMS_API_TEST_REGISTRY says, or at its usual address. */
export const registry = promised || '127.0.0.1:5000';

const accept = ['docker.distribution.manifest.v2', 'oci.image.manifest.v1'].map(
  (type) => `application/vnd.${type}+json`,
);

/** The digest of what the registry has under a tag, or undefined. */
export async function digestOf(repository: string, tag: string): Promise<string | undefined> {
  const url = `http://${registry}/v2/${repository}/manifests/${tag}`;
  const { headers } = await fetch(url, { headers: { accept: accept.join() } });
  return headers.get('docker-content-digest') ?? undefined;
}

/** Has the registry forget what it has under a tag, and all other tags of the same digest. */
export async function forget(repository: string, tag: string): Promise<void> {
  await fetch(`http://${registry}/v2/${repository}/manifests/${await digestOf(repository, tag)}`, { method: 'DELETE' });
}

/**
 * A group of tests that needs a registry, a Docker engine and the commands: left out, and said to be, where one is missing
 * and CLAIMS_API_TEST_REGISTRY does not promise them.
 */
export async function describeWithRegistry(name: string, commands: string[], tests: () => void): Promise<void> {
  const path = (process.env.PATH ?? '').split(delimiter);
  const missing = commands.filter((command) => !path.some((directory) => existsSync(join(directory, command))));
  const answers = await fetch(`http://${registry}/v2/`).then(
    ({ ok }) => ok,
    () => false,
  );
  if (!answers) missing.push(`a registry on ${registry}`);
  if (promised || missing.length === 0) return describeWithDocker(name, tests);
  console.log(`The tests of ${name} are left out for the lack of ${missing.join(' and ')}.`);
  describe.skip(name, tests);
}
