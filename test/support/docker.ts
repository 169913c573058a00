import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe } from 'vitest';
import { engineAnswers, engineIsPromised } from './engine.ts';

export interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs `docker` to its end, whatever its exit status. */
export async function tryDocker(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const options = { env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
  return promisify(execFile)('docker', args, options).then(
    ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ status: code, stdout, stderr }),
  );
}

/** Runs `docker`, and returns what it printed. Throws where it failed. */
export async function docker(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await tryDocker(args);
  if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** A group of tests that needs a Docker engine: left out, and said to be, where none answers and none is promised. */
export function describeWithDocker(name: string, tests: () => void): void {
  const run = engineIsPromised || engineAnswers();
  if (!run) console.log(`The tests of ${name} are left out: no Docker engine answers.`);
  describe.skipIf(!run)(name, tests);
}
