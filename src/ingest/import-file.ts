import { randomUUID } from 'node:crypto';
import type { Changes } from '../claims/data-version.ts';
import type { Connection } from '../db/client.ts';
import { savepoint } from './dry-run.ts';
import { type Format, Refusal } from './format.ts';
import { detectFormat } from './formats/index.ts';
import { listRejects, type RejectRow } from './import-queries.ts';
import { contentHash, type FileStamp, fileStamp, loadHash, openInput, readHead } from './input.ts';
import { load } from './pipeline.ts';
import type { ImportCounts } from './queries.ts';
import * as queries from './queries.ts';
import { describe, type Report } from './report.ts';

/** A file to be loaded. */
export interface ListedFile {
  path: string;
  /** As it is reported: below the directory. */
  name: string;
  /** By which it is known again; null where content alone tells. Unless given, the name. */
  key?: string | null;
}

export interface LoadOptions {
  report: Report;
  /** In place of the one that the content tells. */
  format?: Format | undefined;
  /** What to call the system that numbered the claims, where the format does not say. */
  source?: string | undefined;
  /** All is done in a transaction that is taken back, and nothing counts as loaded before. */
  dryRun?: boolean | undefined;
  /** Files that another replica is loading are left to it; else they are waited for. */
  leaveBusy?: boolean | undefined;
  /** Whether others want the processors just now: then the database is given its rows little by little. */
  givesWay?: (() => boolean) | undefined;
  /** Told the first rejects and warnings of each file, at most so many. */
  rejects?: { limit: number; show(found: FoundRejects): void } | undefined;
}

/** A page of what was not taken of a file. */
export interface FoundRejects {
  file: string;
  importId: string;
  counts: ImportCounts;
  rejects: RejectRow[];
}

/** How many files there were, and what became of them. */
export interface LoadSummary {
  completed: number;
  /** Loaded before, and unchanged since. */
  known: number;
  unknown: number;
  /** Refused as a whole, or not read to their end. */
  failed: number;
  rejected: number;
  /** By earlier loads of these files. */
  rejectedBefore: number;
  /** Of those known, the ones whose format is not. */
  unknownBefore: number;
  /** Names of files that others were loading. */
  left: string[];
}

/** What the files of a load have in common. */
export interface Loading extends LoadOptions {
  summary: LoadSummary;
  /** Of the connection; undefined in a dry run. */
  changes: Changes | undefined;
}

export interface Candidate extends ListedFile {
  key: string | null;
  stamp: FileStamp;
  format: Format | undefined;
  /** Why its content cannot be read. */
  refusal: string | undefined;
}

/** Undefined where nothing is left to do about the file. */
export async function look(
  sql: Connection,
  file: ListedFile,
  { summary, report, dryRun, format: named, source }: Loading,
): Promise<Candidate | undefined> {
  const { path, name, key = name } = file;
  try {
    const stamp = await fileStamp(path);
    // With a format or a source of its own it is another load, though the file is the same.
    const known = dryRun || named || source || key === null ? undefined : await queries.knownImport(sql, key, stamp);
    if (known?.status === 'completed') {
      report.say('debug', name, 'loaded before');
      summary.known += 1;
      summary.rejectedBefore += known.rejected;
      return undefined;
    }
    const candidate = { path, name, key, stamp, format: named, refusal: undefined };
    try {
      candidate.format ??= detectFormat(await readHead(path));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { ...candidate, refusal: error.message };
    }
    if (known?.status !== 'unknown' || candidate.format) return candidate;
    report.say('info', name, 'skipped before, as it is of no format that is known here');
    summary.known += 1;
    summary.unknownBefore += 1;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    report.say('error', name, error.message);
    summary.failed += 1;
  }
  return undefined;
}

/** False where another replica is loading the file and this one shall not wait for it. */
export async function importFile(
  sql: Connection,
  file: Candidate,
  loading: Loading,
  whenBusy: 'skip' | 'wait',
): Promise<boolean> {
  const { summary, report, dryRun = false } = loading;
  const hash = await hashOf(file, loading);
  if (hash === undefined) return true;
  if (!dryRun) {
    if (whenBusy === 'wait') await queries.lockContent(sql, hash);
    else if (!(await queries.tryLockContent(sql, hash))) return false;
  }
  const { name, key, stamp } = file;
  const state = await queries.beginImport(sql, {
    id: randomUUID(),
    file: name,
    key,
    contentHash: hash,
    dryRun,
    ...stamp,
  });
  if (state.status === 'completed') {
    report.say('info', name, 'the same content was loaded before');
    summary.known += 1;
    summary.rejectedBefore += state.rejected;
  } else if (file.refusal !== undefined) {
    await queries.endImport(sql, state.id, 'refused', file.refusal);
    report.say('error', name, file.refusal);
    summary.failed += 1;
  } else if (file.format === undefined) {
    await queries.endImport(sql, state.id, 'unknown', 'of no format that is known here');
    report.say('warn', name, 'skipped, as it is of no format that is known here');
    summary.unknown += 1;
  } else {
    await runImport(sql, file, file.format, state, loading);
  }
  // After an error, the end of the connection gives the lock back: another query on it might never be answered.
  if (!dryRun) await queries.unlockContent(sql, hash);
  return true;
}

async function hashOf(file: Candidate, { summary, report, format, source }: Loading): Promise<Buffer | undefined> {
  try {
    return loadHash(await contentHash(file.path), format?.name, source);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    report.say('error', file.name, error.message);
    summary.failed += 1;
    return undefined;
  }
}

async function runImport(
  sql: Connection,
  file: Candidate,
  format: Format,
  state: queries.ImportState,
  { summary, changes, report, dryRun, source, givesWay = () => false, rejects }: Loading,
): Promise<void> {
  await queries.runImport(sql, state.id, format.name);
  const started = performance.now();
  let counts: ImportCounts | undefined;
  let bytesRead: number | null = null;
  const end = async (status: queries.ImportStatus, reason: string | null) => {
    await queries.endImport(sql, state.id, status, reason);
    summary.rejected += (counts?.rejected ?? state.rejected) - state.rejected;
    summary.rejectedBefore += state.rejected;
  };
  const goingOnAt = state.resume ? `${format.unit} ${state.resume.position + 1}` : undefined;
  const { size } = file.stamp;
  report.begin({ name: file.name, format: format.name, size, goingOnAt, bytesRead: () => bytesRead });
  try {
    const input = openInput(file.path, {
      source,
      onRead: (bytes) => {
        bytesRead = bytes;
      },
    });
    await load(sql, input, format, {
      id: state.id,
      resume: state.resume,
      changes,
      bytesRead: () => bytesRead,
      givesWay,
      ...(dryRun && { transaction: savepoint }),
      progress(total) {
        counts = total;
        report.progress(total);
      },
    });
    const after = await fileStamp(file.path);
    if (after.size !== size || after.modifiedAt.getTime() !== file.stamp.modifiedAt.getTime()) {
      throw new Refusal('changed while it was read, so it has to be loaded again');
    }
    await end('completed', null);
    summary.completed += 1;
    report.end();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const done = dryRun ? 'would be loaded' : `loaded in ${seconds} s`;
    report.say('info', file.name, `${done}: ${counts ? describe(counts) : 'no records'}`);
  } catch (error) {
    report.end();
    if (!(error instanceof Refusal)) throw error;
    const taken = counts !== undefined && counts.read > 0;
    await end(taken ? 'failed' : 'refused', error.message);
    summary.failed += 1;
    report.say('error', file.name, `${error.message}${counts ? `; until then ${describe(counts)}` : ''}`);
  }
  if (counts && rejects) await showRejects(sql, file.name, state.id, counts, rejects);
}

const rejectsAPage = 1000;

async function showRejects(
  sql: Connection,
  file: string,
  importId: string,
  counts: ImportCounts,
  { limit, show }: NonNullable<LoadOptions['rejects']>,
): Promise<void> {
  for (let left = limit, after = 0; left > 0; ) {
    const page = await listRejects(sql, importId, { limit: Math.min(left, rejectsAPage), after });
    const last = page.at(-1);
    if (last === undefined) return;
    show({ file, importId, counts, rejects: page });
    left -= page.length;
    after = last.number;
  }
}
