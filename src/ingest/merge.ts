import type { Changes } from '../claims/data-version.ts';
import type { Sql } from '../db/client.ts';
import { byDay, type StoredRow } from './copy.ts';
import * as queries from './queries.ts';

/**
 * The last of a batch, which the database takes longer to write than leases to run out. Only then is the change announced:
 * while a batch of 12,500 is written, the service answers from its memory for eleven twelfths of the time.
 */
const rowsOfWait = 1000;

/** The import that rows are of. */
export interface Merging {
  id: string;
  /** Of the connection; undefined in a dry run, whose changes nobody is to hear of. */
  changes: Changes | undefined;
  /** As of LoadOptions. */
  givesWay: () => boolean;
}

/** Rows, no two of an id, of claims that are new, and of those that exist. */
export interface SortedRows {
  added: StoredRow[];
  others: StoredRow[];
}

/** Those that are there already as they are need not be sent. */
export async function sort(tx: Sql, rows: StoredRow[]): Promise<SortedRows & { unchanged: number }> {
  if (rows.length === 0) return { added: [], others: [], unchanged: 0 };
  const hashes = await queries.knownHashes(
    tx,
    rows.map(({ id }) => id),
  );
  if (hashes.size === 0) return { added: rows, others: [], unchanged: 0 };
  const added = rows.filter(({ id }) => !hashes.has(id));
  const others = rows.filter(({ id, hash }) => hashes.has(id) && hashes.get(id) !== hash);
  return { added, others, unchanged: rows.length - added.length - others.length };
}

/** Two imports of the same claims at once: the batch was rolled back and succeeds when it is tried again. */
class MergeRace extends Error {}

export const isRace = (error: unknown) =>
  error instanceof MergeRace || ['40P01', '23505'].includes((error as { code?: string }).code ?? '');

/**
 * Makes rows the current claims. New ones are copied straight into their table, which takes a third of the time of the
 * way over a staging table that the others go. Returns how many of the others changed.
 */
export async function merge(
  tx: Sql,
  { added, others }: SortedRows,
  { id, changes, givesWay }: Merging,
): Promise<number> {
  const sorted = byDay(added);
  const first = sorted.slice(0, -rowsOfWait);
  const last = sorted.slice(-rowsOfWait);
  if (first.length > 0) await queries.copyNew(tx, first, givesWay);
  if (last.length + others.length > 0) await changes?.announce();
  if (last.length > 0) await queries.copyNew(tx, last, givesWay);
  if (others.length === 0) return 0;
  await queries.clearStaged(tx);
  await queries.copyStaged(tx, byDay(others), givesWay);
  await queries.lockStaged(tx);
  const { changed, unchanged } = await queries.mergeStaged(tx, id);
  if (changed + unchanged !== others.length)
    throw new MergeRace('another import ended a claim of this batch meanwhile');
  return changed;
}
