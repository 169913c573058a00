import type { Sql } from '../db/client.ts';
import { holdsLock } from './import-queries.ts';

/*
 * While a process has the file of an upload, its session has the lock whose number is the first half of the import's id.
 */

const lockNumber = (id: string) => BigInt.asIntN(64, BigInt(`0x${id.replaceAll('-', '').slice(0, 16)}`)).toString();

/** For the transaction; false where somebody loads the content, or takes an upload of it, at this moment. */
export async function tryClaimContent(tx: Sql, contentHash: Buffer): Promise<boolean> {
  const [row] = await tx<{ locked: boolean }[]>`
    select pg_try_advisory_xact_lock(${contentHash.readBigInt64BE().toString()}::bigint) as locked`;
  return row?.locked ?? false;
}

/** False where another process has a file of this import. */
export async function tryHoldUpload(sql: Sql, id: string): Promise<boolean> {
  const [row] = await sql<{ locked: boolean }[]>`
    select pg_try_advisory_lock(${lockNumber(id)}::bigint) as locked`;
  return row?.locked ?? false;
}

export async function releaseUpload(sql: Sql, id: string): Promise<void> {
  await sql`select pg_advisory_unlock(${lockNumber(id)}::bigint)`;
}

/** Marks an import as waiting for the process that has its file. */
export async function queueImport(sql: Sql, id: string): Promise<void> {
  await sql`
    update imports set status = 'queued', reason = null, finished_at = null, uploaded = true where id = ${id}`;
}

/** The last import of the content. */
export async function findByContent(sql: Sql, contentHash: Buffer): Promise<string | undefined> {
  const [row] = await sql<{ id: string }[]>`
    select id from imports where content_hash = ${contentHash} order by started_at desc limit 1`;
  return row?.id;
}

/** Ends what has not ended, of these imports. */
export async function failUploads(sql: Sql, ids: string[], reason: string): Promise<void> {
  await sql`
    update imports set status = 'failed', reason = ${reason}, finished_at = clock_timestamp()
    where id = any(${ids}::uuid[]) and status in ('queued', 'running')`;
}

/** Ends the uploads that no process has the file of any more. Returns how many there were. */
export async function failAbandonedUploads(sql: Sql, reason: string): Promise<number> {
  const { count } = await sql`
    update imports set status = 'failed', reason = ${reason}, finished_at = clock_timestamp()
    where uploaded and status in ('queued', 'running')
      and not ${holdsLock(sql, sql`('x' || left(replace(id::text, '-', ''), 16))::bit(64)::bigint`)}`;
  return count;
}
