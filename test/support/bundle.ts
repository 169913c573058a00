import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { run } from './run.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The program as it is delivered: some of its packages are edited in the bundle. */
    program: string;
  }
}

const build = new URL('../../build.ts', import.meta.url).pathname;

export default async function setup(project: TestProject) {
  const directory = await mkdtemp(join(tmpdir(), 'claims-api-program-'));
  const dist = join(directory, 'dist');
  await run(process.execPath, [build, dist]);
  project.provide('program', join(dist, 'main.js'));
  return () => rm(directory, { recursive: true, force: true });
}
