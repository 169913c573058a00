import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { afterAll, expect } from 'vitest';
import { buildApp } from '../../src/app.ts';
import { generateKeys } from '../../src/auth/generate-keys.ts';
import { openKeys } from '../../src/auth/keys.ts';
import { createLogin } from '../../src/auth/login.ts';
import { hashPassword } from '../../src/auth/passwords.ts';
import { findStanding, insertUser } from '../../src/auth/queries.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import { defaultScopes, type Scope } from '../../src/auth/users.ts';
import { Cursors } from '../../src/claims/cursor.ts';
import { cursorSecret } from '../../src/claims/queries.ts';
import type { Claim } from '../../src/claims/schema.ts';
import { type Config, readConfig } from '../../src/config.ts';
import type { Pool } from '../../src/db/client.ts';
import { createExports } from '../../src/export/exports.ts';
import { formats } from '../../src/ingest/formats/index.ts';
import type { LoadSummary } from '../../src/ingest/import-file.ts';
import { logReport } from '../../src/ingest/report.ts';
import { loadFiles, loadListed } from '../../src/ingest/scan.ts';
import { Spool } from '../../src/ingest/spool.ts';
import { Uploads } from '../../src/ingest/uploads.ts';
import type { LoadInWorker } from '../../src/ingest/worker.ts';
import { createLogger, type Logger } from '../../src/log.ts';
import type { Readiness } from '../../src/ops/health.ts';
import { createMetrics } from '../../src/ops/metrics.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import { temporaryDirectory } from './files.ts';

/** The user who is in the database of every test app. */
// No part of an id in hexadecimal digits can be taken for the name.
export const user = { name: 'wilhelmina', password: 'correct horse battery' };

export const silentLog = (): Logger => createLogger({ logLevel: 'silent', logFormat: 'json' });

/** The service's own logger, at its most talkative, whose lines are kept instead of written. */
export function capturedLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const log = createLogger({ logLevel: 'debug', logFormat: 'json' });
  Object.assign(log, { [pino.symbols.streamSym]: { write: (line: string) => lines.push(line) } });
  return { log, lines };
}

export interface TestAppOptions {
  /** Of another test app, to build a second one on the same database. */
  database?: TestDatabase;
  log?: Logger;
  config?: Partial<Config>;
  /** What the app asks instead of the database's own pool. */
  db?: Pool;
  readiness?: Readiness;
  /** What metrics ask, in place of the database. */
  metricsDatabaseUrl?: string;
  /** Loads uploads, in place of a load in the test's own thread. */
  load?: LoadInWorker;
  /** Holds the built page. */
  webDirectory?: string;
}

export type TestApp = Awaited<ReturnType<typeof testApp>>;

/**
 * The service, composed as production composes it, on a database of the test file's own, without a port. Closed when the
 * test file ends.
 */
export async function testApp(options: TestAppOptions = {}) {
  const database = options.database ?? (await testDatabase());
  const { sql } = database;
  const log = options.log ?? silentLog();
  const config = { ...readConfig({}), ...options.config };
  const keysDirectory = await temporaryDirectory();
  await generateKeys(keysDirectory, { ifMissing: false });
  const keys = await openKeys(keysDirectory, log);
  const tokens = createTokens({
    keys,
    issuer: config.tokenIssuer,
    audience: config.tokenAudience,
    lifetimeSeconds: config.tokenLifetimeSeconds,
  });
  await insertUser(sql, { name: user.name, passwordHash: await passwordHash(), scopes: defaultScopes });
  const db = options.db ?? database.pool;
  const stopping = new AbortController();
  const spoolDirectory = await temporaryDirectory();
  const uploads = new Uploads({
    databaseUrl: database.url,
    spool: new Spool(spoolDirectory),
    load: options.load ?? loadHere(database.url),
    log,
    signal: stopping.signal,
  });
  const metrics = createMetrics({
    version: '0.0.0-test',
    pools: { lookups: db },
    databaseUrl: options.metricsDatabaseUrl ?? database.url,
  });
  metrics.imports.waits(() => uploads.waitingSince());
  const app = await buildApp(config, {
    version: '0.0.0-test',
    log,
    db,
    searches: db,
    exports: createExports(database.url, config.exportsAtOnce),
    keys,
    tokens,
    login: createLogin({ db, tokens, failuresPerMinute: config.loginFailuresPerMinute, demo: config.insecureDemo }),
    cursors: new Cursors(await cursorSecret(sql)),
    readiness: options.readiness ?? { loaded: true },
    uploads,
    metrics,
    webDirectory: options.webDirectory,
  });
  afterAll(async () => {
    stopping.abort();
    await app.close();
    await uploads.close();
    await metrics.end();
    keys.close();
  });

  const issued = new Map<string, Promise<string>>();
  /** A token of the user with these scopes, whatever scopes the user has. */
  function token(scopes: readonly Scope[] = defaultScopes): Promise<string> {
    const scope = scopes.join(' ');
    const known = issued.get(scope) ?? issue(scopes);
    issued.set(scope, known);
    return known;
  }
  async function issue(scopes: readonly Scope[]): Promise<string> {
    const standing = await findStanding(sql, user.name);
    return (await tokens.issue(user.name, scopes, standing?.tokensValidFrom)).token;
  }

  /** Asks with a token of the user: one that may read everything, the one given, or none where it is null. */
  async function request(options: InjectOptions, bearer?: string | null) {
    const authorization = bearer === null ? {} : { authorization: `Bearer ${bearer ?? (await token())}` };
    return app.inject({ ...options, headers: { ...authorization, ...options.headers } });
  }
  const get = (url: string, bearer?: string | null) => request({ url }, bearer);
  const login = (payload: object | string, headers = {}) =>
    request(
      { method: 'POST', url: '/api/auth/login', payload, headers: { 'content-type': 'application/json', ...headers } },
      null,
    );

  return { app, database, db, sql, metrics, url: database.url, token, request, get, login, uploads, spoolDirectory };
}

let hashed: Promise<string> | undefined;
const passwordHash = () => {
  hashed ??= hashPassword(user.password);
  return hashed;
};

export const loadHere =
  (url: string): LoadInWorker =>
  ({ files, format, source }) =>
    loadListed(url, files, {
      report: logReport(silentLog()),
      format: formats.find(({ name }) => name === format),
      source,
    });

const importDirectory = await temporaryDirectory();

/** Loads a file of this content, under a name of its own unless one is given. */
export async function importText(url: string, text: string, file = `${randomUUID()}.ndjson`): Promise<LoadSummary> {
  const path = join(importDirectory, file);
  await writeFile(path, text);
  return loadFiles(url, path, silentLog());
}

/** Loads the claims as a file of the canonical format, so that their rows are as in production. Expects all to be taken. */
export async function importClaims(url: string, claims: Claim[], file?: string): Promise<LoadSummary> {
  const summary = await importText(url, claims.map((claim) => `${JSON.stringify(claim)}\n`).join(''), file);
  expect(summary).toMatchObject({ failed: 0, unknown: 0, rejected: 0 });
  return summary;
}

interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: { field: string; message: string }[];
}

type Answer = Awaited<ReturnType<TestApp['get']>>;

/** Expects problem details of this status, and returns them. */
export function expectProblem(answer: Answer, status: number): ProblemBody {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const problem = answer.json() as ProblemBody;
  expect(problem).toMatchObject({
    type: expect.stringMatching(/^urn:claims-api:problem:[a-z-]+$/),
    title: expect.any(String),
    status,
    detail: expect.any(String),
  });
  expect(answer.statusCode).toBe(status);
  return problem;
}

export type Query = Record<string, string | number>;

export const withQuery = (path: string, query: Query) =>
  `${path}?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`;

/** Expects a 400 that names this field and no other. */
export function expectFault(answer: Answer, field: string): void {
  const { errors = [] } = expectProblem(answer, 400);
  expect([...new Set(errors.map((error) => error.field))]).toEqual([field]);
}
