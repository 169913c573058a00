import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithDocker, tryDocker } from '../support/docker.ts';

const run = promisify(execFile);

describeWithDocker('the layers', () => {
  let tree: string;

  // What git has, or would have: with what lies here besides, every build would differ.
  beforeAll(async () => {
    tree = await mkdtemp(join(tmpdir(), 'claims-api-layers-'));
    const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
    for (const path of stdout.split('\0').filter(Boolean)) await cp(path, join(tree, path), { verbatimSymlinks: true });
    await build();
  });

  afterAll(() => rm(tree, { recursive: true }));

  /** Builds the release, and returns which of the Dockerfile's steps ran and which came from the cache. */
  async function build() {
    const options = ['--progress=rawjson', '--target=release', '--output=type=cacheonly'];
    const { status, stderr } = await tryDocker([
      'buildx',
      'build',
      ...options,
      `--file=${tree}/docker/Dockerfile`,
      tree,
    ]);
    expect(status, stderr).toBe(0);
    const steps = new Map<string, boolean>();
    for (const line of stderr.split('\n').filter((text) => text.startsWith('{'))) {
      const vertexes: { name: string; cached?: boolean }[] = JSON.parse(line).vertexes ?? [];
      for (const { name, cached } of vertexes) {
        if (/^\[[^\]]+ \d+\/\d+\] (RUN|COPY)/.test(name)) steps.set(name, Boolean(cached));
      }
    }
    const which = (cached: boolean) => [...steps].filter(([, was]) => was === cached).map(([name]) => name);
    return { ran: which(false), cached: which(true) };
  }

  const install = expect.stringMatching(/^\[deps .*npm ci/);
  const bundle = expect.stringMatching(/^\[build .*node build\.ts/);
  const runtime = expect.stringMatching(/^\[runtime \d\/\d\] RUN <</);

  it('are all taken from the cache when nothing changed', async () => {
    const { ran, cached } = await build();
    expect(ran).toEqual([]);
    expect(cached).toEqual(expect.arrayContaining([install, bundle, runtime]));
  });

  it('are all taken from the cache when documentation or a test changed', async () => {
    for (const path of ['README.md', 'keys/README.md', 'test/app.db.test.ts']) await appendFile(join(tree, path), '\n');
    expect((await build()).ran).toEqual([]);
  });

  it('are bundled anew when a source changed, and nothing is installed again', async () => {
    await appendFile(join(tree, 'src/main.ts'), `process.title = '${randomUUID()}';\n`);
    const { ran, cached } = await build();
    expect(ran.toSorted()).toEqual([
      bundle,
      expect.stringMatching(/^\[compiled .*COPY --from=build/),
      expect.stringMatching(/^\[compiled .*RUN /),
      expect.stringMatching(/^\[release .*COPY --from=compiled/),
    ]);
    expect(cached).toEqual(expect.arrayContaining([install, runtime]));
  });
});
