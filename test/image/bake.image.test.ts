import { expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { describeWithDocker, tryDocker } from '../support/docker.ts';

const commit = '0123456789abcdef0123456789abcdef01234567';

interface Target {
  platforms: string[];
  tags: string[];
  attest?: object[];
  output: object[];
  labels: object;
  description?: string;
  'cache-from'?: object[];
  'cache-to'?: object[];
}

interface Definition {
  group: Record<string, { targets: string[] }>;
  target: Record<string, Target>;
}

const bake = (args: string[], env: Record<string, string> = {}) =>
  tryDocker(['buildx', 'bake', ...args], { GITHUB_SHA: '', COMMIT: '', REGISTRY: '', CACHE: '', ...env });

async function print(target: string, env?: Record<string, string>, options: string[] = []): Promise<Definition> {
  const { stdout } = await bake(['--print', ...options, target], env);
  return JSON.parse(stdout);
}

describeWithDocker('bake', () => {
  it('releases for both platforms, with provenance and SBOM, and pushes', async () => {
    const { release } = (await print('release')).target;
    expect(release?.platforms).toEqual(['linux/amd64', 'linux/arm64']);
    expect(release?.attest).toEqual(expect.arrayContaining([{ type: 'provenance', mode: 'max' }, { type: 'sbom' }]));
    expect(release?.output).toEqual([{ type: 'registry' }]);
  });

  it('tags a release as latest, with the version of package.json and with the commit', async () => {
    const { release } = (await print('release', { COMMIT: commit })).target;
    expect(release?.tags).toEqual(['latest', packageJson.version, commit].map((tag) => `claims-api:${tag}`));
    expect(release?.labels).toMatchObject({
      'org.opencontainers.image.version': packageJson.version,
      'org.opencontainers.image.revision': commit,
    });
  });

  it("knows the commit from GitHub's environment, and puts REGISTRY before the name", async () => {
    const { release } = (await print('release', { GITHUB_SHA: commit, REGISTRY: 'registry.example/team' })).target;
    expect(release?.tags).toContain(`registry.example/team/claims-api:${commit}`);
  });

  it('attests nothing for a registry on this machine, as the default builder could not', async () => {
    const { release } = (await print('release', { REGISTRY: '127.0.0.1:5000', COMMIT: commit })).target;
    expect(release?.attest ?? []).toEqual([]);
    expect(release?.tags).toContain(`127.0.0.1:5000/claims-api:${commit}`);
  });

  it('makes what a release pushes as a file as well', async () => {
    const { release } = (await print('release', { COMMIT: commit })).target;
    // In its own place: also with --print, bake begins with emptying the file.
    const { archive } = (await print('archive', { COMMIT: commit }, ['--set', 'archive.output=type=cacheonly'])).target;
    expect(archive).toEqual({ ...release, description: archive?.description, output: [{ type: 'cacheonly' }] });
  });

  it('keeps the layers of dependencies, build, test and Helm in caches of their own', async () => {
    const scopes = async (name: string) => {
      const target = (await print(name, { CACHE: 'gha' })).target[name];
      return [target?.['cache-from'], target?.['cache-to']].map((caches) =>
        caches?.map((cache) => Object(cache).scope),
      );
    };
    expect(await scopes('dependencies')).toEqual([['dependencies'], ['dependencies']]);
    for (const name of ['build', 'release']) expect(await scopes(name)).toEqual([['dependencies', 'build'], ['build']]);
    expect(await scopes('test-report')).toEqual([['dependencies', 'test'], ['test']]);
    expect(await scopes('helm')).toEqual([['helm'], ['helm']]);
    expect(await scopes('chart')).toEqual([['helm'], undefined]);
  });

  it.each([
    ['gha', { type: 'gha', scope: 'build' }],
    ['./cache', { type: 'local', dest: './cache/build' }],
    ['registry.example/team/cache', { type: 'registry', ref: 'registry.example/team/cache:build' }],
  ])('caches in %s', async (CACHE, cache) => {
    const { release } = (await print('release', { CACHE })).target;
    expect(release?.['cache-to']).toEqual([{ ...cache, mode: 'max', 'ignore-error': 'true' }]);
  });

  it('caches nowhere unless told to', async () => {
    const { release } = (await print('release')).target;
    expect(release).not.toHaveProperty('cache-from');
    expect(release).not.toHaveProperty('cache-to');
  });

  it.each([
    { COMMIT: 'main' },
    { GITHUB_SHA: 'main' },
    { REGISTRY: 'registry.example/' },
    { REGISTRY: 'https://registry.example' },
    { SOURCE: 'claims-api' },
    { FIXTURES: 'data' },
    { CACHE: 'yes' },
  ])('refuses %o with a sentence that names the variable', async (env) => {
    const { status, stderr } = await bake(['--print', 'release'], env);
    expect(status).not.toBe(0);
    expect(stderr).toContain(`${Object.keys(env)[0]} is expected`);
  });

  it('builds the image by default', async () => {
    expect((await print('default')).group.default?.targets).toEqual(['build']);
  });

  it('describes every variable, and says its type', async () => {
    const { stdout } = await bake(['--list', 'type=variables,format=json']);
    const variables: { name: string; type?: string; description?: string }[] = JSON.parse(stdout);
    expect(variables.map(({ name }) => name)).toContain('REGISTRY');
    expect(variables.filter(({ type, description }) => !type || !description)).toEqual([]);
  });

  it('describes every target', async () => {
    const { stdout } = await bake(['--list', 'type=targets,format=json']);
    const targets: { name: string; description?: string }[] = JSON.parse(stdout);
    expect(targets.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['build', 'chart', 'release', 'test', 'validate']),
    );
    expect(targets.filter(({ description }) => !description)).toEqual([]);
  });
});
