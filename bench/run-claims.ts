import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { environment, program } from './program.ts';

export interface Run {
  seconds: number;
  /** The most memory that the process ever held. */
  peakBytes: number;
}

/** Says at its end what the process took: its parent cannot ask. */
const reportPeak = `data:text/javascript,${encodeURIComponent(
  "import { isMainThread } from 'node:worker_threads';" +
    "import { writeFileSync } from 'node:fs';" +
    "if (isMainThread) process.on('exit', () => writeFileSync(process.env.PEAK_FILE, String(process.resourceUsage().maxRSS * 1024)));",
)}`;

/**
 * Runs the built program as a process of its own, from start to end. Throws where it ends with an error, with what it
 * said.
 */
export async function runClaims(
  args: string[],
  databaseUrl: string,
  directory: string,
  env: Record<string, string> = {},
): Promise<Run> {
  const peakFile = join(directory, 'peak-memory');
  const started = performance.now();
  const child = spawn(process.execPath, ['--import', reportPeak, ...program, ...args], {
    env: { ...environment(directory, databaseUrl), ...env, PEAK_FILE: peakFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  const [code] = await once(child, 'close');
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`claims ${args.join(' ')} ended with ${code}:\n${Buffer.concat(said)}`);
  const peakBytes = Number(await readFile(peakFile, 'utf8'));
  await rm(peakFile);
  return { seconds, peakBytes };
}
