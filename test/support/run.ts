import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, whatever its exit status. */
export async function tryRun(
  program: string,
  args: string[],
  { env = {}, input }: { env?: Record<string, string>; input?: string } = {},
): Promise<Ended> {
  const running = promisify(execFile)(program, args, { env: { ...process.env, ...env }, maxBuffer: 1 << 26 });
  running.child.stdin?.on('error', () => {}).end(input);
  return running.then(
    ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ status: code, stdout, stderr }),
  );
}

/** Runs a program, and returns what it printed. Throws where it failed. */
export async function run(program: string, args: string[], input?: string): Promise<string> {
  const { status, stdout, stderr } = await tryRun(program, args, input === undefined ? {} : { input });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}
