import type { Sql } from '../db/client.ts';
import type { FileStamp } from './input.ts';
import type { ImportCounts, ImportStatus } from './queries.ts';

export interface ImportRow extends ImportCounts {
  id: string;
  file: string;
  format: string | null;
  status: ImportStatus;
  reason: string | null;
  size: number;
  bytesRead: number | null;
  fraction: number | null;
  seconds: number;
  startedAt: string;
  finishedAt: string | null;
}

const importColumns = `id, file, format, status, reason, size::float8 as size, read::float8 as read,
  added::float8 as added, changed::float8 as changed, unchanged::float8 as unchanged, rejected::float8 as rejected,
  warned::float8 as warned, bytes_read::float8 as "bytesRead",
  case when status = 'completed' then 1 when size > 0 then round(bytes_read::numeric / size, 4) end::float8 as fraction,
  seconds, to_char(started_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "startedAt",
  to_char(finished_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "finishedAt"`;

/** Newest first. The time of the place is text all the way: a Date would lose its microseconds. */
export function listImports(
  sql: Sql,
  limit: number,
  after: { startedAt: string; id: string } | undefined,
): Promise<ImportRow[]> {
  return sql<ImportRow[]>`
    select ${sql.unsafe(importColumns)} from imports
    where ${after ? sql`(started_at, id) < (${after.startedAt}::text::timestamptz, ${after.id}::uuid)` : sql`true`}
    order by started_at desc, id desc limit ${limit}`;
}

export async function findImport(sql: Sql, id: string): Promise<ImportRow | undefined> {
  const [row] = await sql<ImportRow[]>`select ${sql.unsafe(importColumns)} from imports where id = ${id}`;
  return row;
}

export interface RejectRow {
  /** Within the import, from 1. */
  number: number;
  kind: 'reject' | 'warning';
  position: number;
  unit: string;
  claim: string | null;
  field: string | null;
  reason: string;
}

/** In the order of the file, after a number; of one kind, or of both. */
export function listRejects(
  sql: Sql,
  importId: string,
  { limit, after = 0, kind = null }: { limit: number; after?: number; kind?: RejectRow['kind'] | null },
): Promise<RejectRow[]> {
  return sql<RejectRow[]>`
    select number, kind, position::float8 as position, unit, claim, field, reason from import_rejects
    where import_id = ${importId} and number > ${after} and (${kind}::text is null or kind = ${kind})
    order by number limit ${limit}`;
}

/** Whether any load ever came to its end: a service that has nothing to serve yet is not ready. */
export async function anyImportEnded(sql: Sql): Promise<boolean> {
  const rows = await sql`select from imports where status = 'completed' limit 1`;
  return rows.length > 0;
}

export interface ImportTotals extends Pick<ImportCounts, 'added' | 'changed' | 'unchanged' | 'rejected'> {
  status: ImportStatus;
  imports: number;
  /** Whole numbers add up to the same in any order: sums of `seconds` as it is would now and then be less than before. */
  milliseconds: number;
  /** When the last of them ended, in seconds since 1970. */
  lastEnded: number | null;
}

/**
 * What all imports did, a row a status that there is. Reads the whole table, 26 ms for 100,000 imports: an index over
 * these columns would be written at every batch of every load, to save that once a scrape.
 */
export function importTotals(sql: Sql): Promise<ImportTotals[]> {
  return sql<ImportTotals[]>`
    select status, count(*)::float8 as imports, sum(added)::float8 as added, sum(changed)::float8 as changed,
      sum(unchanged)::float8 as unchanged, sum(rejected)::float8 as rejected,
      sum(round(seconds * 1000)) as milliseconds, extract(epoch from max(finished_at))::float8 as "lastEnded"
    from imports group by status`;
}

export interface KnownFile extends FileStamp {
  key: string;
  status: ImportStatus;
  /** Whether somebody loads its content at this moment. */
  held: boolean;
}

/** What became of the files of these names when they were last seen. */
export function knownFiles(sql: Sql, keys: string[]): Promise<KnownFile[]> {
  return sql<KnownFile[]>`
    select f.file as key, f.size::float8 as size, f.modified_at as "modifiedAt", i.status,
      ${holdsLock(sql, sql`('x' || encode(substring(i.content_hash for 8), 'hex'))::bit(64)::bigint`)} as held
    from import_files f join imports i on i.id = f.import_id
    where f.file = any(${keys}::text[])`;
}

/** Whether any session has the advisory lock of this number: pg_locks shows the number in halves. */
export function holdsLock(sql: Sql, number: ReturnType<Sql>) {
  return sql`exists (
    select from pg_locks
    where locktype = 'advisory' and objsubid = 1 and granted
      and database = (select oid from pg_database where datname = current_database())
      and (classid::bigint << 32) | objid::bigint = ${number}
  )`;
}
