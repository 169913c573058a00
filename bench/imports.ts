import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Connection, connect } from '../src/db/client.ts';
import { migrate } from '../src/db/migrate.ts';
import type { GeneratedClaim } from '../src/generate/claim.ts';
import { generated, lines } from '../src/generate/command.ts';
import { createLogger } from '../src/log.ts';
import { onServer, urlOf } from './database.ts';
import type { Server } from './server.ts';

/** What the two benchmarks of imports, this directory's ingest.ts and parts/import.ts, have in common. */

export const importFormats = ['rif', 'ndjson', '837p'] as const;
export type ImportFormat = (typeof importFormats)[number];

export async function writeClaims(path: string, claims: Iterable<GeneratedClaim>, format: ImportFormat): Promise<void> {
  await pipeline(Readable.from(lines(claims, format)), createWriteStream(path));
}

/** How many claims make a file of about the size. */
export function claimsOf(bytes: number, format: ImportFormat): number {
  const some = 10_000;
  let length = 0;
  for (const part of lines(generated(2, some), format)) length += part.length;
  return Math.ceil((bytes / length) * some);
}

/** Makes a database of the name anew, with the tables and nothing in them, for as long as the work takes. */
export async function inEmptyDatabase<T>(
  server: Server,
  name: string,
  work: (sql: Connection) => Promise<T>,
): Promise<T> {
  await onServer(server, async (sql) => {
    await sql`drop database if exists ${sql(name)} with (force)`;
    await sql`create database ${sql(name)}`;
    await sql`checkpoint`;
  });
  const sql = connect(urlOf(server, name), { name: 'bench' });
  try {
    await migrate(sql, createLogger({ logLevel: 'silent', logFormat: 'json' }));
    return await work(sql);
  } finally {
    await sql.end();
    await onServer(server, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
  }
}

/** What was measured is worth nothing where it did something else. */
export async function expectCounts(sql: Connection, expected: { added: number; changed: number }): Promise<void> {
  const [found] = await sql<{ added: number; changed: number; rejected: number }[]>`
    select sum(added)::int as added, sum(changed)::int as changed, sum(rejected)::int as rejected from imports`;
  if (found?.added === expected.added && found.changed === expected.changed && found.rejected === 0) return;
  throw new Error(`expected ${JSON.stringify(expected)} and no rejects, found ${JSON.stringify(found)}`);
}

/** Runs a command of psql, such as \copy, and returns the seconds that it took. */
export async function psql(server: Server, database: string, command: string): Promise<number> {
  const started = performance.now();
  await server.run('psql', ['-X', '-v', 'ON_ERROR_STOP=1', '-qc', command], database);
  return (performance.now() - started) / 1000;
}

/**
 * Writes the rows of the last import as \copy reads them, in the order of its file: that is what a program has which turns
 * the file into rows one after the other. In the order of the table, \copy would gain by how the import sorts its batches.
 * They are on the disk then: \copy took a tenth longer while the system wrote them there.
 */
export async function copyOut(server: Server, database: string, path: string): Promise<void> {
  const rows =
    'select * from claims where import_id = (select id from imports order by started_at desc limit 1) ' +
    "order by (message::jsonb ->> 'position')::bigint";
  await psql(server, database, `\\copy (${rows}) to '${path}'`);
  await using file = await open(path);
  await file.sync();
}
