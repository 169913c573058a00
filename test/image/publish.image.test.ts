import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { docker, tryDocker } from '../support/docker.ts';
import { buildImage } from '../support/image.ts';
import { describeWithRegistry, digestOf, forget, registry } from '../support/registry.ts';

const run = promisify(execFile);

await describeWithRegistry('an archive to publish', ['skopeo', 'helm'], () => {
  const { version } = packageJson;
  const commit = randomUUID().replaceAll('-', '').padEnd(40, '0');
  const name = `claims-api-test-${commit.slice(0, 8)}`;
  const tags = ['latest', version, commit];
  let directory: string;
  let archive: string;
  let chart: string;
  let image: string;

  // Docker's archive of one image is an OCI archive as well, as `docker buildx bake archive` makes one of several.
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), `${name}-`));
    archive = join(directory, 'image.tar');
    image = await docker('image', 'inspect', '-f', '{{.Id}}', await buildImage());
    await docker('tag', image, `${name}:${version}`);
    await docker('save', '--output', archive, `${name}:${version}`);
    await mkdir(join(directory, 'chart'));
    await writeFile(
      join(directory, 'chart', 'Chart.yaml'),
      JSON.stringify({ apiVersion: 'v2', name: 'claims-api', version }),
    );
    await run('helm', ['package', join(directory, 'chart'), '--destination', directory]);
    chart = join(directory, `claims-api-${version}.tgz`);
  });

  afterAll(async () => {
    await tryDocker(['rmi', `${name}:${version}`, `${registry}/${name}/claims-api:${commit}`]);
    for (const repository of [`${name}/claims-api`, `${name}/charts/claims-api`]) await forget(repository, version);
    await rm(directory, { recursive: true });
  });

  const publish = (...digest: string[]) =>
    run('scripts/publish.sh', [archive, chart, ...digest], {
      env: { ...process.env, REGISTRY: `${registry}/${name}`, COMMIT: commit, GITHUB_OUTPUT: '' },
    });

  it('is refused where it is not what was tested', async () => {
    await expect(publish(`sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({
      stderr: expect.stringMatching(/^publish\.sh: .* is sha256:[0-9a-f]{64}, tested was sha256:0+\n$/),
    });
    expect(await digestOf(`${name}/claims-api`, commit)).toBeUndefined();
  });

  it('is pushed as it is, under each of its tags, with the chart beside it', async () => {
    const { stdout } = await publish();
    const said = Object.fromEntries(
      Array.from(stdout.matchAll(/^([a-z-]+)=(.*)$/gm), ([, key, value]) => [key, value]),
    );
    expect(said).toEqual({
      image: `${registry}/${name}/claims-api`,
      'image-digest': await digestOf(`${name}/claims-api`, version),
      chart: `${registry}/${name}/charts/claims-api`,
      'chart-digest': await digestOf(`${name}/charts/claims-api`, version),
    });
    const digests = await Promise.all(tags.map((tag) => digestOf(`${name}/claims-api`, tag)));
    expect(digests).toEqual(tags.map(() => said['image-digest']));
    await docker('pull', '--quiet', `${said.image}:${commit}`);
    expect(await docker('image', 'inspect', '-f', '{{.Id}}', `${said.image}:${commit}`)).toBe(image);
    expect((await publish(String(said['image-digest']))).stdout).toBe(stdout);
  });

  it('is what Docker gets for the tests', async () => {
    await run('scripts/load-image.sh', [archive]);
    expect(await docker('image', 'inspect', '-f', '{{.Id}}', 'claims-api:latest')).toBe(image);
  });
});
