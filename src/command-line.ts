import { isMainThread } from 'node:worker_threads';
import packageJson from '../package.json' with { type: 'json' };
import { KeyError } from './auth/key-files.ts';
import { ConfigError, readConfig } from './config.ts';
import { connect, DatabaseUnusable, isConnectionLost } from './db/client.ts';
import { openDatabase } from './db/open.ts';
import { DataDirectoryError } from './ingest/list-files.ts';
import { createLogger } from './log.ts';
import { UsageError } from './usage.ts';

const usage = `Usage: claims [COMMAND]

  serve               serve the API, and load what is new in the data directory (the default)
  import [PATH|-]     load a file, what is new in a directory (default: the data directory), or standard input, and end
                      (--format NAME, --source NAME, --dry-run)
  export              write all claims (--format ndjson|json|csv|sqlite, --output FILE)
  generate            write invented claims (--claims N --seed S --format NAME --output FILE)
  migrate             bring the database's schema up to date, and end
  keys generate|list  make a key pair, or list the keys
  user add|passwd|list|disable|enable
  health              ask the service that runs here whether it is ready
  version

Settings come from the environment; the README lists them.`;

const { version } = packageJson;
const out = (line: string) => process.stdout.write(`${line}\n`);

async function run(entry: URL, command = 'serve', args: string[]): Promise<number> {
  if (command === 'help' || command === '--help' || command === '-h') {
    out(usage);
    return 0;
  }
  if (command === 'version' || command === '--version') {
    out(version);
    return 0;
  }
  // Each command loads what it alone needs: the rest of the program would take longer than many of them.
  if (command === 'generate') {
    const { generateCommand } = await import('./generate/command.ts');
    await generateCommand(args);
    return 0;
  }
  const config = readConfig(process.env);
  const log = createLogger(config);
  switch (command) {
    case 'serve': {
      expectArguments(args, 0);
      const { serve } = await import('./serve.ts');
      await serve(config, version, entry, log);
      return 0;
    }
    case 'migrate': {
      expectArguments(args, 0);
      const database = await openDatabase(config, log);
      await database.close();
      return 0;
    }
    case 'import': {
      const { importCommand } = await import('./ingest/command.ts');
      return importCommand(args, config);
    }
    case 'export': {
      const { exportCommand } = await import('./export/command.ts');
      await exportCommand(args, {
        open: () => openForCommand(config),
        say: (line) => process.stderr.write(`${line}\n`),
      });
      return 0;
    }
    case 'keys': {
      const { keysCommand } = await import('./auth/commands.ts');
      await keysCommand(args, config, out);
      return 0;
    }
    case 'user': {
      const { userCommand } = await import('./auth/commands.ts');
      await userCommand(args, { config, out, open: openForCommand });
      return 0;
    }
    case 'health': {
      expectArguments(args, 0);
      const answer = await fetch(`http://127.0.0.1:${config.port}/health/ready`, { signal: AbortSignal.timeout(3000) });
      return answer.ok ? 0 : 1;
    }
    default:
      throw new UsageError(`There is no command ${command}.\n\n${usage}`);
  }
}

function expectArguments(args: string[], most: number): void {
  if (args.length > most) throw new UsageError(`Expected at most ${most} arguments, found ${args.length}.\n\n${usage}`);
}

async function openForCommand(config: Parameters<typeof openDatabase>[0]) {
  const database = await openDatabase(config, createLogger({ logLevel: 'warn', logFormat: 'pretty' }));
  const sql = connect(database.url, { name: 'command' });
  return {
    sql,
    end: async () => {
      await sql.end();
      await database.close();
    },
  };
}

/** Errors whose message is all that the reader needs. */
const plainErrors = [ConfigError, DatabaseUnusable, DataDirectoryError, KeyError, UsageError];

function inWords(error: Error, command: string | undefined): string {
  const { message, stack, cause } = error;
  if (plainErrors.some((type) => error instanceof type) || command === 'health') return message;
  if (isConnectionLost(error)) {
    return `The connection to the database was lost (${(error as { code?: string }).code}): see that PostgreSQL runs, and run the command again. An import goes on where it was.`;
  }
  return [stack ?? message, ...(cause instanceof Error ? [`caused by: ${cause.message}`] : [])].join('\n');
}

async function runCommandLine(entry: URL): Promise<void> {
  const [command, ...args] = process.argv.slice(2);
  try {
    process.exitCode = await run(entry, command, args);
  } catch (error) {
    process.stderr.write(`claims: ${inWords(error as Error, command)}\n`);
    process.exitCode = 1;
  }
}

/** As the first process of a container, Node would ignore what it has no listener for. The service brings its own. */
function exitOnSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(1));
}

/** What the process was started for, or a thread of it. The entry is what a thread is to run. */
export async function start(entry: URL): Promise<void> {
  if (!isMainThread) {
    const { runWorker } = await import('./ingest/worker.ts');
    return runWorker();
  }
  exitOnSignals();
  await runCommandLine(entry);
}
