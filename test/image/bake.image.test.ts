import { expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { describeWithDocker, tryDocker } from '../support/docker.ts';

const commit = '0123456789abcdef0123456789abcdef01234567';

interface Definition {
  group: Record<string, { targets: string[] }>;
  target: Record<string, { platforms: string[]; tags: string[]; attest: object[]; output: object[]; labels: object }>;
}

const bake = (args: string[], env: Record<string, string> = {}) =>
  tryDocker(['buildx', 'bake', ...args], { GITHUB_SHA: '', COMMIT: '', REGISTRY: '', ...env });

async function print(target: string, env?: Record<string, string>): Promise<Definition> {
  const { stdout } = await bake(['--print', target], env);
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

  it.each([{ COMMIT: 'main' }, { REGISTRY: 'registry.example/' }])(
    'refuses %o with a sentence that names the variable',
    async (env) => {
      const { status, stderr } = await bake(['--print', 'release'], env);
      expect(status).not.toBe(0);
      expect(stderr).toContain(`${Object.keys(env)[0]} is expected`);
    },
  );

  it('builds the image by default', async () => {
    expect((await print('default')).group.default?.targets).toEqual(['build']);
  });

  it('describes every target', async () => {
    const { stdout } = await bake(['--list', 'type=targets,format=json']);
    const targets: { name: string; description?: string }[] = JSON.parse(stdout);
    expect(targets.map(({ name }) => name)).toEqual(expect.arrayContaining(['build', 'release', 'test', 'validate']));
    expect(targets.filter(({ description }) => !description)).toEqual([]);
  });
});
