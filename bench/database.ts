import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Connection, connect } from '../src/db/client.ts';
import { type Draw, makeDraw } from './draws.ts';
import { runClaims } from './run-claims.ts';
import type { Server } from './server.ts';
import { prepareTokens } from './service.ts';

export interface Database {
  name: string;
  url: string;
  claims: number;
  /** Spent in the import; undefined where the claims were there already. */
  seconds: number | undefined;
  /** Of a user who may do all, at any service of this database. */
  tokens: string[];
}

export const urlOf = (server: Server, name: string) =>
  Object.assign(new URL(server.url), { pathname: `/${name}` }).href;

/**
 * A database of so many claims of `claims generate --seed 1`, imported by the program itself; then vacuumed, analysed and
 * on the disk, as it is some minutes after any load. Where it may be kept and is there, it is taken as it is.
 */
export async function loadDatabase(
  server: Server,
  { name, claims, directory, keep }: { name: string; claims: number; directory: string; keep: boolean },
): Promise<Database> {
  const url = urlOf(server, name);
  if (keep && (await countClaims(server, name)) === claims) {
    return { name, url, claims, seconds: undefined, tokens: await prepareTokens(directory, url) };
  }
  await onServer(server, async (sql) => {
    await sql`drop database if exists ${sql(name)} with (force)`;
    await sql`create database ${sql(name)}`;
  });
  const file = join(directory, `${name}.ndjson`);
  await runClaims(['generate', '--seed', '1', '--claims', String(claims), '--output', file], url, directory);
  const { seconds } = await runClaims(['import', file], url, directory);
  await rm(file);
  await onDatabase(url, async (sql) => {
    const [{ count } = { count: 0 }] = await sql<{ count: number }[]>`select count(*)::int as count from claims`;
    if (count !== claims) throw new Error(`${count} claims were loaded of ${claims}`);
    await sql`vacuum analyze`;
    await sql`checkpoint`;
  });
  return { name, url, claims, seconds, tokens: await prepareTokens(directory, url) };
}

/** The same database once more, under another name. Nobody may be connected to it. */
export async function copyDatabase(server: Server, from: Database, name: string): Promise<Database> {
  await onServer(server, async (sql) => {
    await sql`drop database if exists ${sql(name)} with (force)`;
    await sql`create database ${sql(name)} template ${sql(from.name)} strategy file_copy`;
  });
  return { ...from, name, url: urlOf(server, name) };
}

export async function dropDatabase(server: Server, name: string): Promise<void> {
  await onServer(server, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
}

export async function onServer<T>(server: Server, work: (sql: Connection) => Promise<T>): Promise<T> {
  return onDatabase(server.url, work);
}

/** What figures depend on. */
export async function describeServer(server: Server): Promise<Record<string, string>> {
  const [row] = await onServer(
    server,
    (sql) => sql<Record<string, string>[]>`
      select current_setting('server_version') as postgres, current_setting('fsync') as fsync,
        current_setting('synchronous_commit') as "synchronousCommit", current_setting('shared_buffers') as "sharedBuffers",
        current_setting('max_wal_size') as "maxWalSize"`,
  );
  return { server: server.what, ...row };
}

export async function onDatabase<T>(url: string, work: (sql: Connection) => Promise<T>): Promise<T> {
  const sql = connect(url, { name: 'bench' });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

async function countClaims(server: Server, name: string): Promise<number | undefined> {
  const [found] = await onServer(server, (sql) => sql`select 1 from pg_database where datname = ${name}`);
  if (found === undefined) return undefined;
  return onDatabase(urlOf(server, name), async (sql) => {
    const [row] = await sql<{ count: number }[]>`select count(*)::int as count from claims`;
    return row?.count;
  }).catch(() => undefined);
}

/** What a load asks for: the file of its paths, and where pgbench draws the same from. */
export interface Question {
  paths: string;
  /** How many different ones there are: few of them may be answered from what is remembered. */
  different: number;
  draw?: Draw;
}

const prepared = new Map<string, Promise<Question & { draw: Draw }>>();

/** The paths are made of what the query returns, each row once; pgbench draws from the same rows. Made once a run. */
export function prepareQuestion(
  database: Database,
  directory: string,
  asked: { name: string; query: string; columns: ('a' | 'b')[]; path: (row: { a: string; b: string }) => string },
): Promise<Question & { draw: Draw }> {
  const key = `${database.name}-${asked.name}`;
  const question = prepared.get(key) ?? makeQuestion(database, join(directory, `${key}.paths`), asked);
  prepared.set(key, question);
  return question;
}

async function makeQuestion(
  database: Database,
  paths: string,
  { name, query, columns, path }: Parameters<typeof prepareQuestion>[2],
): Promise<Question & { draw: Draw }> {
  return onDatabase(database.url, async (sql) => {
    await sql.unsafe(`create temporary table asked as ${query}`);
    const draw = await makeDraw(sql, name, 'asked', columns);
    const text = columns.map((column) => `${column}::text`).join(', ');
    const rows = sql.unsafe<{ a: string; b: string }[]>(`select ${text} from asked`).cursor(10_000);
    const lines = async function* () {
      for await (const page of rows) yield `${page.map(path).join('\n')}\n`;
    };
    await pipeline(Readable.from(lines()), createWriteStream(paths));
    const [counted] = await sql.unsafe<{ different: number }[]>(
      `select count(*)::int as different from (select distinct ${columns.join(', ')} from asked) each`,
    );
    return { paths, draw, different: counted?.different ?? 0 };
  });
}
