import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Keys } from '../../src/auth/keys.ts';
import type { Logger } from '../../src/log.ts';

export interface Pair {
  privateKey: KeyObject;
  publicKey: KeyObject;
  privatePem: string;
  publicPem: string;
}

/** 2048 bits, the least that is accepted, as they are made the fastest. */
export function aPair(bits = 2048): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return {
    privateKey,
    publicKey,
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
  };
}

/** An empty directory, removed when the test ends. */
export async function aDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'claims-api-keys-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A directory of these files, the private key readable by its owner only. */
export async function aKeyDirectory(files: Record<string, string>): Promise<string> {
  const directory = await aDirectory();
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text, { mode: 0o600 });
  return directory;
}

/** Logs into `lines`, a JSON object a line. */
export function aLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  return { log: pino({ level: 'info' }, { write: (line: string) => lines.push(line) }) as unknown as Logger, lines };
}

/** Keys held in memory, by the ids given; the first signs. `change` puts others in their place. */
export function someKeys(pairs: Record<string, Pair>): Keys & { change(pairs: Record<string, Pair>): void } {
  let current = pairs;
  const listeners: (() => void)[] = [];
  return {
    signing() {
      const [first] = Object.entries(current);
      if (first === undefined) throw new Error('no keys');
      return { kid: first[0], privateKey: first[1].privateKey };
    },
    verification: (kid) => current[kid]?.publicKey,
    jwks: () => ({ keys: [] }),
    onChange: (listener) => {
      listeners.push(listener);
    },
    close() {},
    change(pairs) {
      current = pairs;
      for (const listener of listeners) listener();
    },
  };
}
