import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { type Connection, connect } from '../db/client.ts';
import type { Logger } from '../log.ts';
import { type Format, Refusal } from './format.ts';
import { detectFormat } from './formats/index.ts';
import { contentHash, type FileStamp, fileStamp, openInput, readHead } from './input.ts';
import { load } from './pipeline.ts';
import type { ImportCounts } from './queries.ts';
import * as queries from './queries.ts';

const progressEverySeconds = 5;

/** The data directory is missing or cannot be read; the message says what to do. */
export class DataDirectoryError extends Error {}

/** How many files there were, and what became of them. */
export interface LoadSummary {
  completed: number;
  /** Loaded before, and unchanged since. */
  known: number;
  unknown: number;
  /** Refused as a whole, or not read to their end. */
  failed: number;
  rejected: number;
}

interface Candidate {
  path: string;
  /** As it is reported: below the directory. */
  name: string;
  stamp: FileStamp;
  format: Format | undefined;
  /** Why it cannot be read. */
  fault: string | undefined;
}

/**
 * Loads what is new in a directory, or one file. Replicas that do this at the same time share the files: each is loaded
 * by one of them, and taken over by another should that one die.
 */
export async function loadFiles(databaseUrl: string, path: string, log: Logger): Promise<LoadSummary> {
  const summary: LoadSummary = { completed: 0, known: 0, unknown: 0, failed: 0, rejected: 0 };
  const names = await listFiles(path);
  if (names.length === 0) log.info(`${path} holds no files`);
  const sql = connect(databaseUrl, { name: 'import' });
  try {
    const candidates: Candidate[] = [];
    for (const file of names) {
      const candidate = await look(sql, file, log);
      if (candidate) candidates.push(candidate);
      else summary.known += 1;
    }
    candidates.sort((a, b) => (a.format?.rank ?? 9) - (b.format?.rank ?? 9));
    const busy: Candidate[] = [];
    for (const candidate of candidates) {
      if (!(await importFile(sql, candidate, summary, log, 'skip'))) busy.push(candidate);
    }
    for (const candidate of busy) await importFile(sql, candidate, summary, log, 'wait');
  } finally {
    await sql.end({ timeout: 2 });
  }
  return summary;
}

interface Named {
  path: string;
  name: string;
}

/** Every file below the directory, by name; hidden ones are left out, as Kubernetes keeps a copy of each in `..data`. */
async function listFiles(path: string): Promise<Named[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataDirectoryError(
      error.code === 'ENOENT'
        ? `${path} does not exist: mount the claim files there, or set CLAIMS_API_DATA to where they are.`
        : `${path} cannot be read (${error.code}): make it readable for the user the service runs as.`,
    );
  });
  if (found.isFile()) return [{ path, name: basename(path) }];
  const files: Named[] = [];
  const walk = async (directory: string) => {
    const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      throw new DataDirectoryError(
        `${directory} cannot be read (${error.code}): make it readable for the user the service runs as.`,
      );
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const child = join(directory, entry.name);
      if (entry.isDirectory()) await walk(child);
      else if (entry.isFile() || (entry.isSymbolicLink() && (await stat(child).catch(() => undefined))?.isFile())) {
        files.push({ path: child, name: relative(path, child) });
      }
    }
  };
  await walk(path);
  return files;
}

/** Undefined where nothing is left to do about the file. */
async function look(sql: Connection, { path, name }: Named, log: Logger): Promise<Candidate | undefined> {
  let stamp: FileStamp = { size: 0, modifiedAt: new Date(0) };
  try {
    stamp = await fileStamp(path);
    const status = await queries.knownStatus(sql, name, stamp);
    if (status === 'completed') {
      log.debug(`${name}: loaded before`);
      return undefined;
    }
    const format = detectFormat(await readHead(path));
    return status === 'unknown' && !format ? undefined : { path, name, stamp, format, fault: undefined };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { path, name, stamp, format: undefined, fault: error.message };
  }
}

/** False where another replica is loading the file and this one shall not wait for it. */
async function importFile(
  sql: Connection,
  file: Candidate,
  summary: LoadSummary,
  log: Logger,
  whenBusy: 'skip' | 'wait',
): Promise<boolean> {
  if (file.fault !== undefined) {
    log.error(`${file.name}: ${file.fault}`);
    summary.failed += 1;
    return true;
  }
  const hash = await hashOf(file, summary, log);
  if (hash === undefined) return true;
  if (whenBusy === 'wait') await queries.lockContent(sql, hash);
  else if (!(await queries.tryLockContent(sql, hash))) {
    log.info(`${file.name}: another replica is loading it`);
    return false;
  }
  const state = await queries.beginImport(sql, { id: randomUUID(), file: file.name, contentHash: hash, ...file.stamp });
  if (state.status === 'completed') {
    log.info(`${file.name}: the same content was loaded before`);
    summary.known += 1;
  } else if (file.format === undefined) {
    await queries.endImport(sql, state.id, 'unknown', 'of no format that is known here');
    log.warn(`${file.name}: skipped, as it is of no format that is known here`);
    summary.unknown += 1;
  } else {
    await runImport(sql, file, file.format, state, summary, log);
  }
  // After an error, the end of the connection gives the lock back: another query on it might never be answered.
  await queries.unlockContent(sql, hash);
  return true;
}

async function hashOf(file: Candidate, summary: LoadSummary, log: Logger): Promise<Buffer | undefined> {
  try {
    return await contentHash(file.path);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    log.error(`${file.name}: ${error.message}`);
    summary.failed += 1;
    return undefined;
  }
}

async function runImport(
  sql: Connection,
  file: Candidate,
  format: Format,
  state: queries.ImportState,
  summary: LoadSummary,
  log: Logger,
): Promise<void> {
  await queries.runImport(sql, state.id, format.name);
  const goingOn = state.resume ? `, going on at ${format.unit} ${state.resume.position + 1}` : '';
  log.info(`${file.name}: loading (${format.name}, ${size(file.stamp.size)}${goingOn})`);
  const started = performance.now();
  let said = started;
  let counts: ImportCounts | undefined;
  const end = async (status: queries.ImportStatus, reason: string | null) => {
    await queries.endImport(sql, state.id, status, reason);
    summary.rejected += (counts?.rejected ?? 0) - state.rejected;
  };
  try {
    await load(sql, openInput(file.path), format, {
      id: state.id,
      resume: state.resume,
      progress(total) {
        counts = total;
        if (performance.now() - said < progressEverySeconds * 1000) return;
        said = performance.now();
        log.info(`${file.name}: ${describe(total)} so far`);
      },
    });
    const after = await fileStamp(file.path);
    if (after.size !== file.stamp.size || after.modifiedAt.getTime() !== file.stamp.modifiedAt.getTime()) {
      throw new Refusal('changed while it was read; it is loaded again at the next start');
    }
    await end('completed', null);
    summary.completed += 1;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    log.info(`${file.name}: loaded in ${seconds} s: ${counts ? describe(counts) : 'no records'}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const taken = counts !== undefined && counts.read > 0;
    await end(taken ? 'failed' : 'refused', error.message);
    summary.failed += 1;
    log.error(`${file.name}: ${error.message}${counts ? `; until then ${describe(counts)}` : ''}`);
  }
}

function describe(counts: ImportCounts): string {
  const number = (value: number) => value.toLocaleString('en-US');
  return (
    `${number(counts.read)} read, ${number(counts.added)} added, ${number(counts.changed)} changed, ` +
    `${number(counts.unchanged)} unchanged, ${number(counts.rejected)} rejected`
  );
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const [unit, divisor] = bytes < 1e6 ? ['kB', 1e3] : bytes < 1e9 ? ['MB', 1e6] : ['GB', 1e9];
  return `${(bytes / (divisor as number)).toFixed(1)} ${unit}`;
}
