import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { docker, tryDocker } from '../support/docker.ts';
import { describeWithRegistry, digestOf, forget, registry } from '../support/registry.ts';

await describeWithRegistry('a release, pushed and pulled again', [], () => {
  const { version } = packageJson;
  const commit = randomUUID().replaceAll('-', '').padEnd(40, '0');
  const name = `claims-api-test-${commit.slice(0, 8)}`;
  const repository = `${name}/claims-api`;
  const image = `${registry}/${repository}`;
  beforeAll(async () => {
    const env = {
      REGISTRY: `${registry}/${name}`,
      COMMIT: commit,
      SOURCE: 'https://git.example/claims-api',
      CACHE: '',
    };
    const only = ['--set', '*.platform=linux/amd64', '--set', '*.attest='];
    const { status, stderr } = await tryDocker(['buildx', 'bake', 'release', ...only], env);
    expect(status, stderr).toBe(0);
    for (const tag of ['latest', version, commit]) await docker('rmi', `${image}:${tag}`);
    await docker('pull', '--quiet', `${image}:${version}`);
  });

  afterAll(async () => {
    await tryDocker(['rm', '-f', '-v', name, `${name}-postgres`]);
    await tryDocker(['rmi', `${image}:${version}`]);
    await tryDocker(['volume', 'rm', `${name}-keys`]);
    await tryDocker(['network', 'rm', name]);
    await forget(repository, version);
  });

  it('has one digest under its three tags: latest, the version and the commit', async () => {
    const digests = await Promise.all(['latest', version, commit].map((tag) => digestOf(repository, tag)));
    expect(digests[0]).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(new Set(digests).size).toBe(1);
  });

  it('says in its labels what it is, of which version, from which commit and repository', async () => {
    expect(
      JSON.parse(await docker('image', 'inspect', '-f', '{{json .Config.Labels}}', `${image}:${version}`)),
    ).toEqual({
      'org.opencontainers.image.title': 'claims-api',
      'org.opencontainers.image.description': 'A REST service over healthcare claims',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': commit,
      'org.opencontainers.image.source': 'https://git.example/claims-api',
    });
  });

  it('names the version of package.json on the command line, in its readiness and in its OpenAPI', async () => {
    expect(await docker('run', '--rm', `${image}:${version}`, 'version')).toBe(version);

    const keys = `${name}-keys:/var/secrets/claims-api`;
    await docker('network', 'create', name);
    await docker(
      ...['run', '-d', '--name', `${name}-postgres`, '--network', name],
      ...['-e', 'POSTGRES_PASSWORD=test', 'postgres:18-trixie'],
    );
    await docker(
      'run',
      '--rm',
      '--user=0:0',
      '-v',
      keys,
      `${image}:${version}`,
      'keys',
      'generate',
      '--group',
      '10001',
    );
    await docker(
      ...['run', '-d', '--name', name, '--network', name, '-p', '127.0.0.1:0:9950', '-v', `${keys}:ro`],
      ...['-e', `DATABASE_URL=postgres://postgres:test@${name}-postgres/postgres`, `${image}:${version}`],
    );
    const url = `http://${await docker('port', name, '9950')}`;
    const get = async (path: string) => (await fetch(url + path)).json();
    await expect
      .poll(() => get('/health/ready').catch(() => undefined), { timeout: 60_000, interval: 200 })
      .toEqual({ status: 'ok', version });
    expect(await get('/docs/json')).toMatchObject({ info: { version } });
  });

  it.skipIf(!existsSync('chart/Chart.yaml'))('is what the chart installs unless told otherwise', async () => {
    const chart = await readFile('chart/Chart.yaml', 'utf8');
    expect(/^appVersion: *['"]?([^'"\s]+)/m.exec(chart)?.[1]).toBe(version);
  });
});
