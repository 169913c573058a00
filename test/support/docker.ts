import { describe } from 'vitest';
import { engineAnswers, engineIsPromised } from './engine.ts';
import { type Ended, run, tryRun } from './run.ts';

/** Runs `docker` to its end, whatever its exit status. */
export const tryDocker = (args: string[], env: Record<string, string> = {}): Promise<Ended> =>
  tryRun('docker', args, { env });

/** Runs `docker`, and returns what it printed. Throws where it failed. */
export const docker = (...args: string[]): Promise<string> => run('docker', args);

/** A group of tests that needs a Docker engine: left out, and said to be, where none answers and none is promised. */
export function describeWithDocker(name: string, tests: () => void): void {
  const run = engineIsPromised || engineAnswers();
  if (!run) console.log(`The tests of ${name} are left out: no Docker engine answers.`);
  describe.skipIf(!run)(name, tests);
}
