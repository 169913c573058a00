import { access } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { buildApp } from './app.ts';
import { openKeys } from './auth/keys.ts';
import { createLogin } from './auth/login.ts';
import { createTokens } from './auth/tokens.ts';
import { demoUser, ensureDemoUser } from './auth/users.ts';
import { Cursors } from './claims/cursor.ts';
import { cursorSecret, lookupSettings, searchSettings } from './claims/queries.ts';
import type { Config } from './config.ts';
import { createPool } from './db/client.ts';
import { openDatabase } from './db/open.ts';
import { createExports } from './export/exports.ts';
import type { WaitingSince } from './ingest/import-metrics.ts';
import { anyImportEnded } from './ingest/import-queries.ts';
import { Spool } from './ingest/spool.ts';
import { Uploads } from './ingest/uploads.ts';
import { watchDirectory } from './ingest/watch.ts';
import { createWorkers } from './ingest/worker.ts';
import type { Logger } from './log.ts';

/**
 * Serves until SIGTERM or SIGINT, and meanwhile loads what is new in the data directory and what is uploaded, in threads
 * that run the program's entry. Throws where it cannot start.
 */
export async function serve(config: Config, version: string, entry: URL, log: Logger): Promise<void> {
  const keys = await openKeys(config.keysDirectory, log);
  const database = await openDatabase(config, log);
  const statementTimeoutSeconds = config.queryTimeoutSeconds;
  const db = createPool(database.url, config.lookupConnections, {
    name: 'lookup',
    statementTimeoutSeconds,
    settings: lookupSettings,
  });
  const searches = createPool(database.url, config.searchConnections, {
    name: 'search',
    statementTimeoutSeconds,
    settings: searchSettings,
  });
  if (config.insecureDemo) await db.run(ensureDemoUser);
  const readiness = { loaded: await db.run(anyImportEnded) };
  const tokens = createTokens({
    keys,
    issuer: config.tokenIssuer,
    audience: config.tokenAudience,
    lifetimeSeconds: config.tokenLifetimeSeconds,
  });
  const stopping = new AbortController();
  const { signal } = stopping;
  const { load, requested } = createWorkers(entry, database.url, config);
  const spool = new Spool(config.uploadsDirectory ?? tmpdir());
  const uploads = new Uploads({ databaseUrl: database.url, spool, load, log, signal });
  await uploads.start();
  // Loaded where somebody reads them.
  const ops = config.opsPort === undefined ? undefined : await import('./ops/metrics.ts');
  const metrics = ops?.createMetrics({ version, pools: { lookups: db, searches }, databaseUrl: database.url });
  metrics?.imports.waits(() => uploads.waitingSince());
  const app = await buildApp(config, {
    version,
    log,
    db,
    searches,
    exports: createExports(database.url, config.exportsAtOnce),
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
    uploads,
    metrics,
    webDirectory: await webDirectory(),
  });
  app.server.on('request', requested);
  await app.listen({ host: config.host, port: config.port });
  if (ops && metrics) await ops.serveMetrics(metrics, { host: config.host, port: config.opsPort as number });
  const { port } = app.server.address() as { port: number };
  const url = config.publicUrl ?? `http://${config.host === '0.0.0.0' ? 'localhost' : config.host}:${port}`;
  log.info(`claims-api ${version} listens on ${url}`);

  const { dataDirectory, scanSeconds } = config;
  const loaded = () => {
    readiness.loaded = true;
    if (config.insecureDemo) sayWhatToTry(url, log);
  };
  const waits = (since: WaitingSince) => metrics?.imports.waits(since);
  const watching = watchDirectory({ dataDirectory, scanSeconds, db, load, log, signal, loaded, waits });

  const stop = (name: NodeJS.Signals) => {
    if (signal.aborted) return;
    log.info(`${name}: finishing the requests that are under way`);
    stopping.abort();
    // A client that never ends its request must not keep the process.
    setTimeout(() => process.exit(0), config.drainSeconds * 1000).unref();
    app
      .close()
      .then(() => watching)
      .then(async () => {
        await uploads.close();
        keys.close();
        await metrics?.end();
        await Promise.all([db.end(), searches.end()]);
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
