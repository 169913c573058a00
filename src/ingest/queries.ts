import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Sql } from '../db/client.ts';
import { copyData, type StoredRow, stagedColumns } from './copy.ts';
import type { Reject, Resume } from './format.ts';
import type { FileStamp } from './input.ts';
import { totalColumns } from './total-queries.ts';

export type ImportStatus = 'queued' | 'running' | 'completed' | 'failed' | 'refused' | 'unknown';

export interface ImportCounts {
  read: number;
  added: number;
  changed: number;
  unchanged: number;
  rejected: number;
  warned: number;
}

/** A lock of the session, held as long as the connection; false where another holds it. */
export async function tryLockContent(sql: Sql, contentHash: Buffer): Promise<boolean> {
  const [row] = await sql<{ locked: boolean }[]>`
    select pg_try_advisory_lock(${contentHash.readBigInt64BE().toString()}::bigint) as locked`;
  return row?.locked ?? false;
}

export async function lockContent(sql: Sql, contentHash: Buffer): Promise<void> {
  await sql`select pg_advisory_lock(${contentHash.readBigInt64BE().toString()}::bigint)`;
}

export async function unlockContent(sql: Sql, contentHash: Buffer): Promise<void> {
  await sql`select pg_advisory_unlock(${contentHash.readBigInt64BE().toString()}::bigint)`;
}

/** What became of this version of the file, without reading it. */
export async function knownImport(
  sql: Sql,
  file: string,
  stamp: FileStamp,
): Promise<Pick<ImportState, 'status' | 'rejected'> | undefined> {
  const [row] = await sql<Pick<ImportState, 'status' | 'rejected'>[]>`
    select status, rejected::int as rejected from import_files join imports on id = import_id
    where import_files.file = ${file} and import_files.size = ${stamp.size} and modified_at = ${stamp.modifiedAt}`;
  return row;
}

export interface ImportState {
  id: string;
  status: ImportStatus;
  resume: Resume | null;
  rejected: number;
}

export interface BegunImport extends FileStamp {
  /** Of the import, where the content has none yet. */
  id: string;
  /** As it is shown. */
  file: string;
  contentHash: Buffer;
  /** By which the file is known again; null where it has no name to be known by. Unless given, as it is shown. */
  key?: string | null;
  uploaded?: boolean;
  /** Begins a new one, whatever was loaded before. */
  dryRun?: boolean;
}

/**
 * The import of the file's content: the last one of the same content, under whatever name, unless the file has held
 * another since; else a new one. The caller holds the lock of the content.
 */
export async function beginImport(sql: Sql, row: BegunImport): Promise<ImportState> {
  const { key = row.file, dryRun = false } = row;
  const [last] = await sql<ImportState[]>`
    select id, status, resume, rejected::int as rejected from imports i
    where content_hash = ${row.contentHash} and not ${dryRun} and not exists (
      select from import_files f join imports later on later.id = f.import_id
      where f.file = ${key} and later.started_at > i.started_at
    )
    order by started_at desc limit 1`;
  const status = row.uploaded ? 'queued' : 'running';
  const state: ImportState = last ?? { id: row.id, status, resume: null, rejected: 0 };
  if (last === undefined) {
    await sql`
      insert into imports (id, file, size, content_hash, status, uploaded, started_at)
      values (${row.id}, ${row.file}, ${row.size}, ${row.contentHash}, ${status}, ${row.uploaded ?? false},
        clock_timestamp())`;
  }
  if (key === null) return state;
  await sql`
    insert into import_files (file, size, modified_at, import_id)
    values (${key}, ${row.size}, ${row.modifiedAt}, ${state.id})
    on conflict (file) do update set
      size = excluded.size, modified_at = excluded.modified_at, import_id = excluded.import_id`;
  return state;
}

/** Marks an import as running again, with the format that is used from here on. */
export async function runImport(sql: Sql, id: string, format: string): Promise<void> {
  await sql`
    update imports set status = 'running', format = ${format}, reason = null, finished_at = null where id = ${id}`;
}

/** When this has returned, the disk has the end of the import, and all that it brought. */
export async function endImport(sql: Sql, id: string, status: ImportStatus, reason: string | null): Promise<void> {
  await sql`
    update imports set status = ${status}, reason = ${reason}, finished_at = clock_timestamp(),
      bytes_read = case when ${status} = 'completed' then size else bytes_read end
    where id = ${id} and set_config('synchronous_commit', 'on', true) = 'on'`;
}

/** Adds what a batch did, and where to go on after it. Returns the totals. */
export async function advanceImport(
  sql: Sql,
  id: string,
  batch: ImportCounts & { resume: Resume; bytesRead: number | null; seconds: number },
): Promise<ImportCounts> {
  const [row] = await sql<ImportCounts[]>`
    update imports set
      read = read + ${batch.read}, added = added + ${batch.added}, changed = changed + ${batch.changed},
      unchanged = unchanged + ${batch.unchanged}, rejected = rejected + ${batch.rejected},
      warned = warned + ${batch.warned},
      seconds = seconds + ${batch.seconds}, bytes_read = least(${batch.bytesRead}::bigint, size), resume = ${sql.json({ ...batch.resume })}
    where id = ${id}
    returning read::int as read, added::int as added, changed::int as changed, unchanged::int as unchanged,
      rejected::int as rejected, warned::int as warned`;
  return row as ImportCounts;
}

export async function insertRejects(
  sql: Sql,
  importId: string,
  unit: string,
  rejects: (Reject & { kind: 'reject' | 'warning' })[],
): Promise<void> {
  if (rejects.length === 0) return;
  const column = (name: keyof Reject | 'kind') => rejects.map((reject) => reject[name] ?? null) as string[];
  await sql`
    insert into import_rejects (import_id, number, position, unit, claim, field, reason, kind)
    select ${importId}, (select coalesce(max(number), 0) from import_rejects where import_id = ${importId}) + ordinality,
      position, ${unit}, claim, field, reason, kind
    from unnest(${column('position')}::bigint[], ${column('claim')}::text[], ${column('field')}::text[],
      ${column('reason')}::text[], ${column('kind')}::text[])
      with ordinality as r (position, claim, field, reason, kind, ordinality)`;
}

/** Makes a connection ready for imports. Once: for each of many small files it took a fifth of their time. */
export async function prepare(sql: Sql): Promise<void> {
  await expectGrowth(sql);
  await commitLazily(sql);
  await compressFast(sql);
  await createStaging(sql);
}

/**
 * For a connection that asks for claims by their keys alone, of tables that grow from nothing meanwhile: a plan that was
 * made when a table was small would read it whole for each batch.
 */
async function expectGrowth(sql: Sql): Promise<void> {
  await sql`set plan_cache_mode = force_custom_plan`;
  await sql`set enable_seqscan = off`;
  await sql`set random_page_cost = 1.1`;
}

/** The table, the connection's own, that claims are copied into before they are merged. */
async function createStaging(sql: Sql): Promise<void> {
  await sql`
    create temporary table staged_claims (
      id uuid, identifier_system text, identifier_value text, type text, sub_type text, status text, patient_id text,
      provider_id text, payer_id text, service_date date, service_date_end date, charge numeric(14, 2),
      allowed numeric(14, 2), paid numeric(14, 2), patient_responsibility numeric(14, 2), diagnoses text[],
      procedures text[], document text, source text, hash bytea, payer_claim_number text, message text, import_id uuid
    )`;
}

export async function clearStaged(sql: Sql): Promise<void> {
  await sql`truncate staged_claims`;
}

export async function copyStaged(sql: Sql, rows: StoredRow[], givesWay: () => boolean): Promise<void> {
  await copy(sql, 'staged_claims', rows, givesWay);
}

/** Adds claims that are new; throws a unique violation where one is not. */
export async function copyNew(sql: Sql, rows: StoredRow[], givesWay: () => boolean): Promise<void> {
  await copy(sql, 'claims', rows, givesWay);
}

/**
 * Sends the data of a COPY. postgres.js 3.4.9 tells neither the stream nor the query, whose promise the stream resolved,
 * of an error that comes behind the last byte, as unique violations and lost connections do: only `reject` is called.
 */
async function copy(
  sql: Sql,
  table: 'claims' | 'staged_claims',
  rows: StoredRow[],
  givesWay: () => boolean,
): Promise<void> {
  const query = sql`copy ${sql(table)} (${sql.unsafe(stagedColumns)}, import_id) from stdin with (format binary)`;
  const into = await query.writable();
  await new Promise<void>((resolve, reject) => {
    const failing = query as unknown as { reject(error: unknown): void };
    const failed = failing.reject.bind(failing); // Of the bundle, a method; see `edits` in build.ts.
    failing.reject = (error) => {
      failed(error);
      reject(error);
    };
    into.on('error', reject);
    into.on('finish', resolve);
    writeAll(into, rows, givesWay).catch(reject);
  });
}

/** Each piece is good until the next is made. */
async function writeAll(into: Writable, rows: StoredRow[], givesWay: () => boolean): Promise<void> {
  for (const piece of copyData(rows, givesWay)) {
    await new Promise<void>((resolve, reject) => {
      into.write(piece, (error) => (error ? reject(error) : resolve()));
    });
    // Else small pieces would wait in the socket, one behind the other, and be one for PostgreSQL.
    if (givesWay()) await setImmediate();
  }
  into.end();
}

/** The hashes, hexadecimal, of those of these ids that claims have, where they fit the further condition. */
export async function knownHashes(sql: Sql, ids: string[], condition = sql``): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await sql<{ id: string; hash: string }[]>`
    select id, encode(hash, 'hex') as hash from claims where id = any(${ids}::uuid[]) ${condition}`;
  return new Map(rows.map(({ id, hash }) => [id, hash]));
}

/**
 * Commits of batches need not wait for the disk: what a crash takes back, it takes back with the place to go on at. The
 * end of an import waits.
 */
async function commitLazily(sql: Sql): Promise<void> {
  await sql`set synchronous_commit = off`;
}

/**
 * PostgreSQL compresses rows of more than 2 kB. With LZ4, where it was built with that, this takes a third of what its own
 * method takes, which is half of its time for such claims, and 5 % more room; and what is read is read faster.
 */
async function compressFast(sql: Sql): Promise<void> {
  await sql`
    select set_config('default_toast_compression', 'lz4', false) from pg_settings
    where name = 'default_toast_compression' and 'lz4' = any (enumvals)`;
}

/** Keeps whoever else would change these claims waiting until this transaction ends. */
export async function lockStaged(sql: Sql): Promise<void> {
  await sql`select from claims where id in (select id from staged_claims) order by id for update`;
}

/**
 * Makes the staged claims, at most one of an id and each of a claim that exists, the current ones: those that differ
 * replace what is kept as their earlier state. A transaction that waited for another began before that one's states did.
 */
export async function mergeStaged(sql: Sql, importId: string): Promise<{ changed: number; unchanged: number }> {
  const columns = sql.unsafe(stagedColumns);
  const [row] = await sql<{ changed: number; unchanged: number }[]>`
    with ended as (
      insert into claim_history (${columns}, arrival, version, import_id, updated_at, ended_at, ended_by, ended_message)
      select ${sql.unsafe(prefixed('c'))}, c.arrival, c.version, c.import_id, c.updated_at, greatest(now(), c.updated_at),
        ${importId}, s.message
      from staged_claims s join claims c on c.id = s.id
      where c.hash <> s.hash
    ), counted as (
      insert into claim_total_changes (${sql.unsafe(totalColumns)})
      select date_trunc('month', service_date::timestamp), type, sub_type, status, payer_id, sum(n), sum(n * charge),
        sum(n * allowed), sum(n * paid)
      from (select state.* from staged_claims s join claims c on c.id = s.id and c.hash <> s.hash, lateral (values
        (-1, c.service_date, c.type, c.sub_type, c.status, c.payer_id, coalesce(c.charge, 0), coalesce(c.allowed, 0),
          coalesce(c.paid, 0)),
        (1, s.service_date, s.type, s.sub_type, s.status, s.payer_id, coalesce(s.charge, 0), coalesce(s.allowed, 0),
          coalesce(s.paid, 0))
      ) state (n, service_date, type, sub_type, status, payer_id, charge, allowed, paid)) states
      group by 1, 2, 3, 4, 5
      having sum(n) <> 0 or sum(n * charge) <> 0 or sum(n * allowed) <> 0 or sum(n * paid) <> 0
    ), changed as (
      update claims c set (${columns}, version, import_id, updated_at) =
        row(${sql.unsafe(prefixed('s'))}, c.version + 1, ${importId}::uuid, greatest(now(), c.updated_at))
      from staged_claims s
      where c.id = s.id and c.hash <> s.hash
      returning 1
    )
    select (select count(*) from changed)::int as changed,
      (select count(*) from staged_claims s join claims c on c.id = s.id where c.hash = s.hash)::int as unchanged`;
  return row as { changed: number; unchanged: number };
}

const prefixed = (table: string) =>
  stagedColumns
    .split(', ')
    .map((column) => `${table}.${column}`)
    .join(', ');
