import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { environment, program } from './program.ts';
import { runClaims } from './run-claims.ts';
import { freePort } from './server.ts';

const user = 'bench';
const password = 'of the benchmark alone';
/** A token for each connection of the load. */
const tokenCount = 16;
/** Polled so often until it answers, in milliseconds. */
const poll = 5;

/** The service as a process of its own, as it is deployed: built, default settings, an empty data directory. */
export interface Service {
  port: number;
  pid: number;
  /** From the start of the process to the first answer that it is ready. */
  secondsToReady: number;
  memory(): Promise<Memory>;
  stop(): Promise<void>;
}

/** Bytes. */
export interface Memory {
  now: number;
  peak: number;
}

const running = new Set<ChildProcess>();

/** Ends what still runs: for the end of the benchmark, however it ends. */
export async function stopServices(): Promise<void> {
  await Promise.all([...running].map(stop));
}

/**
 * Makes what the load needs to ask a service of the database: keys, a user, and the tokens of real logins. They are good
 * as long as the directory and the database, or a copy of it, are there.
 */
export async function prepareTokens(directory: string, databaseUrl: string): Promise<string[]> {
  for (const name of ['data', 'uploads']) await mkdir(join(directory, name), { recursive: true });
  await runClaims(['keys', 'generate', '--if-missing'], databaseUrl, directory);
  const scopes = ['claims:read', 'claims:export', 'imports:read', 'imports:write'];
  const add = ['user', 'add', user, ...scopes.flatMap((scope) => ['--scope', scope])];
  await runClaims(add, databaseUrl, directory, { CLAIMS_API_PASSWORD: password }).catch((error: Error) => {
    // A database that was kept has the user.
    if (!error.message.includes('There is a user')) throw error;
  });
  const service = await startService(directory, databaseUrl);
  return logIn(service.port).finally(service.stop);
}

export async function startService(directory: string, databaseUrl: string): Promise<Service> {
  const port = await freePort();
  const started = performance.now();
  const child = spawn(process.execPath, program, {
    env: { ...environment(directory, databaseUrl), CLAIMS_API_PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  const said: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}:\n${Buffer.concat(said)}`);
    if (performance.now() - started > 60_000) throw new Error('the service was not ready within a minute');
    await new Promise((resolve) => setTimeout(resolve, poll));
  }
  const secondsToReady = (performance.now() - started) / 1000;
  const pid = child.pid as number;
  return { port, pid, secondsToReady, memory: () => memoryOf(pid), stop: () => stop(child) };
}

/** One for each connection of the load; one after the other, as logins under way count as failures. */
async function logIn(port: number): Promise<string[]> {
  const tokens: string[] = [];
  while (tokens.length < tokenCount) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: user, password }),
    });
    if (!answer.ok) throw new Error(`the login was answered ${answer.status}: ${await answer.text()}`);
    const { token } = (await answer.json()) as { token: string };
    tokens.push(token);
  }
  return tokens;
}

/** What Linux says of a process; it also counts pages that it shares with others. */
export async function memoryOf(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}

/** From here on the peak is counted anew. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

async function stop(child: ChildProcess): Promise<void> {
  if (running.delete(child) && child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/health/ready', agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}
