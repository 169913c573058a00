import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { buildApp } from './app.ts';
import { openKeys } from './auth/keys.ts';
import { createLogin } from './auth/login.ts';
import { createTokens } from './auth/tokens.ts';
import { demoUser, ensureDemoUser } from './auth/users.ts';
import { Cursors } from './claims/cursor.ts';
import { cursorSecret } from './claims/queries.ts';
import type { Config } from './config.ts';
import { createPool, isUnavailable } from './db/client.ts';
import { openDatabase } from './db/open.ts';
import { anyImportEnded } from './ingest/queries.ts';
import { DataDirectoryError } from './ingest/scan.ts';
import { loadInWorker } from './ingest/worker.ts';
import type { Logger } from './log.ts';

const loadRetrySeconds = 5;

/**
 * Serves until SIGTERM or SIGINT, and loads what is new in the data directory meanwhile, in a thread that runs the
 * program's entry. Throws where it cannot start.
 */
export async function serve(config: Config, version: string, entry: URL, log: Logger): Promise<void> {
  const keys = await openKeys(config.keysDirectory, log);
  const database = await openDatabase(config, log);
  const db = createPool(database.url, config.lookupConnections, {
    name: 'lookup',
    statementTimeoutSeconds: config.queryTimeoutSeconds,
  });
  if (config.insecureDemo) await db.run(ensureDemoUser);
  const readiness = { loaded: await db.run(anyImportEnded) };
  const tokens = createTokens({
    keys,
    issuer: config.tokenIssuer,
    audience: config.tokenAudience,
    lifetimeSeconds: config.tokenLifetimeSeconds,
  });
  const app = await buildApp(config, {
    version,
    log,
    db,
    keys,
    tokens,
    login: createLogin({
      db,
      tokens,
      failuresPerMinute: config.loginFailuresPerMinute,
      demo: config.insecureDemo,
    }),
    cursors: new Cursors(await db.run(cursorSecret)),
    readiness,
    webDirectory: await webDirectory(),
  });
  await app.listen({ host: config.host, port: config.port });
  const { port } = app.server.address() as { port: number };
  const url = config.publicUrl ?? `http://${config.host === '0.0.0.0' ? 'localhost' : config.host}:${port}`;
  log.info(`claims-api ${version} listens on ${url}`);

  const stopping = new AbortController();
  const loading = loadUntilDone(config, database.url, entry, log, stopping.signal).then(() => {
    if (stopping.signal.aborted) return;
    readiness.loaded = true;
    if (config.insecureDemo) sayWhatToTry(url, log);
  });

  const stop = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) return;
    log.info(`${signal}: finishing the requests that are under way`);
    stopping.abort();
    // A client that never ends its request must not keep the process.
    setTimeout(() => process.exit(0), config.drainSeconds * 1000).unref();
    app
      .close()
      .then(() => loading)
      .then(async () => {
        keys.close();
        await db.end();
        await database.close();
        log.info('stopped');
        log.flush(() => process.exit(0));
      })
      .catch((error) => {
        log.error({ err: error }, 'did not stop cleanly');
        process.exit(1);
      });
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.removeAllListeners(signal).on(signal, stop);
}

/** Of the built page; undefined where the program runs from its sources. */
async function webDirectory(): Promise<string | undefined> {
  const path = fileURLToPath(new URL('web', import.meta.url));
  return access(`${path}/app.js`).then(
    () => path,
    () => undefined,
  );
}

/** A load that the database interrupts is tried again: it goes on where it was. */
async function loadUntilDone(
  config: Config,
  databaseUrl: string,
  entry: URL,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      const { dataDirectory: path, logLevel, logFormat } = config;
      const done = await loadInWorker(entry, { databaseUrl, path, logLevel, logFormat }, signal);
      log.info(
        `${config.dataDirectory}: ${done.completed} files loaded, ${done.known} loaded before, ${done.unknown} of unknown ` +
          `format, ${done.failed} failed; ${done.rejected} records rejected`,
      );
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof DataDirectoryError) {
        log.error(error.message);
        return;
      }
      const wait = isUnavailable(error) ? 'the database cannot be reached' : 'the load failed';
      log.error({ err: error }, `${wait}; trying again in ${loadRetrySeconds} seconds`);
      await new Promise((resolve) => setTimeout(resolve, loadRetrySeconds * 1000));
    }
  }
}

function sayWhatToTry(url: string, log: Logger): void {
  const login = `{"username":"${demoUser}","password":"${demoUser}"}`;
  log.warn(
    `Demo mode: anybody can log in as ${demoUser} with the password ${demoUser}. Not for data of real patients.`,
  );
  for (const line of [
    `Open ${url} and log in, or list claims from a shell:`,
    `  TOKEN=$(curl -s ${url}/api/auth/login -H 'content-type: application/json' -d '${login}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')`,
    `  curl -s -H "Authorization: Bearer $TOKEN" '${url}/api/claims?limit=3'`,
    `The API's reference is at ${url}/docs`,
  ]) {
    log.info(line);
  }
}
