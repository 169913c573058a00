import { type ExecFileException, execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { totalmem } from 'node:os';
import { promisify } from 'node:util';
import { GenericContainer, Wait } from 'testcontainers';
import { engineAnswers } from '../test/support/engine.ts';

/** The PostgreSQL that is measured, and its own programs, which talk to it as the service does: over TCP. */
export interface Server {
  what: string;
  /** Of a database that is there already, as a user who may make others. */
  url: string;
  /** Runs psql or pgbench to its end and returns what it wrote. Paths below the directory of the run are the same to it. */
  run(program: 'psql' | 'pgbench', args: string[], database: string): Promise<string>;
  stop(): Promise<void>;
}

const image = 'postgres:18-trixie';

/** As the README says of a server for millions of claims, whose indexes do not fit into the 128 MB of the defaults. */
const forMillions = ['-c', `shared_buffers=${Math.floor(totalmem() / 4 / (1 << 20))}MB`, '-c', 'max_wal_size=8GB'];

/**
 * DATABASE_URL_BENCH or DATABASE_URL, else a container, whose settings are PostgreSQL's defaults unless it is for millions
 * of claims. It has the host's network: a published port goes through a proxy in user space, which halves what is measured.
 */
export async function startServer(directory: string, { ofMillions = false } = {}): Promise<Server> {
  const given = process.env.DATABASE_URL_BENCH ?? process.env.DATABASE_URL;
  if (given) return useServer(given);
  if (!engineAnswers()) {
    throw new Error(
      'A PostgreSQL is needed: start a Docker engine (docker version must answer) to have one made, or set ' +
        'DATABASE_URL_BENCH to one in which databases may be made; psql and pgbench must then be in the PATH.',
    );
  }
  return startContainer(directory, ofMillions ? forMillions : []);
}

async function useServer(url: string): Promise<Server> {
  for (const program of ['psql', 'pgbench']) {
    await execute(program, ['--version']).catch(() => {
      throw new Error(`DATABASE_URL_BENCH or DATABASE_URL is set, so ${program} is needed in the PATH: install it.`);
    });
  }
  return {
    what: 'of DATABASE_URL',
    url,
    run: (program, args, database) => execute(program, args, libpq(url, database)),
    stop: async () => {},
  };
}

async function startContainer(directory: string, settings: string[]): Promise<Server> {
  const port = await freePort();
  const container = await new GenericContainer(image)
    .withNetworkMode('host')
    .withEnvironment({ POSTGRES_PASSWORD: 'bench', PGPORT: String(port) })
    .withCommand(['postgres', '-c', 'listen_addresses=127.0.0.1', ...settings])
    .withBindMounts([{ source: directory, target: directory }])
    .withSharedMemorySize(1 << 30) // Of Docker's default, 64 MB, parallel workers may run out.
    .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
    .start();
  const url = `postgres://postgres:bench@127.0.0.1:${port}/postgres`;
  return {
    what: image,
    url,
    async run(program, args, database) {
      const { exitCode, output, stdout } = await container.exec([program, ...args], { env: libpq(url, database) });
      if (exitCode !== 0) throw new Error(`${program} ended with ${exitCode}:\n${output}`);
      return stdout;
    },
    stop: async () => {
      await container.stop();
    },
  };
}

/** What psql and pgbench read the address from. */
function libpq(url: string, database: string): Record<string, string> {
  const { hostname, port, username, password } = new URL(url);
  return {
    PGHOST: hostname,
    PGPORT: port || '5432',
    PGUSER: decodeURIComponent(username),
    ...(password && { PGPASSWORD: decodeURIComponent(password) }),
    PGDATABASE: database,
  };
}

async function execute(program: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      env: { ...process.env, ...env },
      maxBuffer: 1 << 26,
    });
    return stdout;
  } catch (error) {
    const { code, stderr } = error as ExecFileException;
    throw new Error(`${program} ended with ${code}:\n${stderr}`, { cause: error });
  }
}

export async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const probe = createServer();
  probe.once('error', reject).listen(0, '127.0.0.1', () => {
    const { port } = probe.address() as { port: number };
    probe.close(() => resolve(port));
  });
  return promise;
}
