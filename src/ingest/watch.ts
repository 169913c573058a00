import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { DatabaseUnavailable, isUnavailable, type Pool } from '../db/client.ts';
import type { Logger } from '../log.ts';
import type { ListedFile, LoadSummary } from './import-file.ts';
import type { WaitingSince } from './import-metrics.ts';
import { type KnownFile, knownFiles } from './import-queries.ts';
import { type FileStamp, isMisnamed } from './input.ts';
import { DataDirectoryError, listFiles } from './list-files.ts';
import type { LoadInWorker } from './worker.ts';

const loadRetrySeconds = 5;
/** Timers and clocks do not agree to the millisecond. */
const timerSlack = 0.95;

interface WatchOptions extends Pick<Config, 'dataDirectory' | 'scanSeconds'> {
  db: Pool;
  load: LoadInWorker;
  log: Logger;
  signal: AbortSignal;
  /** Called once: what was there at the start is loaded, or cannot be. */
  loaded(): void;
  /** Called once, with what tells of the oldest file that is to be loaded. */
  waits(since: WaitingSince): void;
}

/**
 * Loads what is in the data directory, and then what is new in it, looking every so many seconds (0: only once), until
 * the signal.
 */
export async function watchDirectory(options: WatchOptions): Promise<void> {
  const { dataDirectory, scanSeconds, log, signal } = options;
  const files = new Standing(scanSeconds * 1000 * timerSlack);
  options.waits(() => files.waitingSince());
  let trouble = '';
  let saidLoaded = false;
  const sayLoaded = () => {
    if (!saidLoaded) options.loaded();
    saidLoaded = true;
  };
  for (let scan = 1; !signal.aborted; scan += 1) {
    try {
      const settled = files.settled(await stamped(dataDirectory), Date.now());
      trouble = '';
      if (scan === 1) await loadFirst(settled, files.unsettled, options);
      else await loadNew(settled, options);
      // A file that never stands still does not keep the service from being ready.
      if (scan === 2 || files.unsettled === 0) sayLoaded();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof DataDirectoryError)) {
        const unavailable = isUnavailable(error) || error instanceof DatabaseUnavailable;
        const what = unavailable ? 'the database cannot be reached' : 'the load failed';
        log.error({ err: error }, `${what}; trying again in ${loadRetrySeconds} seconds`);
        scan -= 1;
        await pause(loadRetrySeconds, signal);
        continue;
      }
      if (error.message !== trouble) log.error(error.message);
      trouble = error.message;
      sayLoaded();
    }
    if (scanSeconds === 0) return;
    await pause(scanSeconds, signal);
  }
}

const pause = (seconds: number, signal: AbortSignal) => sleep(seconds * 1000, undefined, { signal }).catch(() => {});

async function loadFirst(settled: StandingFile[], waiting: number, options: WatchOptions): Promise<void> {
  const { dataDirectory, scanSeconds, load, log, signal } = options;
  if (waiting > 0) log.info(`${dataDirectory}: ${waiting} files have just changed; waiting ${scanSeconds} s for them`);
  if (settled.length === 0) {
    if (waiting === 0) log.info(`${dataDirectory} holds no files`);
    return;
  }
  const done = await load({ files: settled.map(listed) }, signal);
  for (const file of settled) file.tried = true;
  log.info(`${dataDirectory}: ${inWords(done)}`);
}

async function loadNew(settled: StandingFile[], options: WatchOptions): Promise<void> {
  const { dataDirectory, db, load, log, signal } = options;
  const open = settled.filter(({ done }) => !done);
  if (open.length === 0) return;
  const known = new Map<string, KnownFile>();
  for (const file of await db.run((sql) =>
    knownFiles(
      sql,
      open.map(({ name }) => name),
    ),
  ))
    known.set(file.key, file);
  const wanted = open.filter((file) => {
    const before = known.get(file.name);
    if (before === undefined || !isSame(before, file.stamp)) {
      // Tried, and there is no trace of it: it cannot even be read.
      file.done = file.tried;
      return !file.done;
    }
    file.done = before.status !== 'running';
    return !file.done && !before.held;
  });
  if (wanted.length === 0) return;
  const done = await load({ files: wanted.map(listed), leaveBusy: true }, signal);
  const left = new Set(done.left);
  for (const file of wanted) file.tried = !left.has(file.name);
  log.info(`${dataDirectory}: ${inWords(done)}`);
}

const listed = ({ path, name }: ListedFile): ListedFile => ({ path, name });

function inWords(done: LoadSummary): string {
  return (
    `${done.completed} files loaded, ${done.known} loaded before, ${done.unknown} of unknown format, ` +
    `${done.failed} failed; ${done.rejected} records rejected`
  );
}

interface StampedFile extends ListedFile {
  stamp: FileStamp;
  /** Also when it became readable, which the stamp does not tell: in milliseconds. */
  statusChanged?: number;
}

const unseen: FileStamp = { size: 0, modifiedAt: new Date(0) };

async function stamped(directory: string): Promise<StampedFile[]> {
  const files: StampedFile[] = [];
  for (const file of await listFiles(directory)) {
    const found = await stat(file.path).then(
      ({ size, mtime, ctimeMs }) => ({ stamp: { size, modifiedAt: mtime }, statusChanged: ctimeMs }),
      ({ code }) => (code === 'ENOENT' && !isMisnamed(file.path) ? undefined : { stamp: unseen }),
    );
    // What has gone since is not there; what may not be looked at is for the load to report.
    if (found) files.push({ ...file, ...found });
  }
  return files;
}

export interface StandingFile extends StampedFile {
  /** When it was as it is now for the first time, in milliseconds. */
  since: number;
  /** A load of it, as it is now, came to its end. */
  tried: boolean;
  /** Nothing is left to do about it until it changes. */
  done: boolean;
}

const isSame = (one: FileStamp, other: FileStamp) =>
  one.size === other.size && one.modifiedAt.getTime() === other.modifiedAt.getTime();

/** Tells the files that stand still from those that are still being written. */
export class Standing {
  readonly #stillMs: number;
  #files: Map<string, StandingFile> | undefined;
  #begun = Number.NEGATIVE_INFINITY;
  /** How many of the last listing were too new. */
  unsettled = 0;

  constructor(stillMs: number) {
    this.#stillMs = stillMs;
  }

  /** Those of a listing that are as they were so long ago: by the listings since, or by the file's time in the first. */
  settled(listing: StampedFile[], now: number): StandingFile[] {
    const before = this.#files;
    if (before === undefined) this.#begun = now;
    const files = new Map<string, StandingFile>();
    const settled: StandingFile[] = [];
    for (const file of listing) {
      const known = before?.get(file.name);
      const since = before === undefined ? Math.min(now, file.stamp.modifiedAt.getTime()) : now;
      const same = known !== undefined && isSame(known.stamp, file.stamp) && known.statusChanged === file.statusChanged;
      const standing = same ? known : { ...file, since, tried: false, done: false };
      files.set(file.name, standing);
      if (now - standing.since >= this.#stillMs) settled.push(standing);
    }
    this.#files = files;
    this.unsettled = listing.length - settled.length;
    return settled;
  }

  /** When the oldest file that is not loaded as it is became so; no earlier than the first listing, which found it so. */
  waitingSince(): number | undefined {
    let oldest: number | undefined;
    for (const { since, tried, done } of this.#files?.values() ?? []) {
      if (!tried && !done && (oldest === undefined || since < oldest)) oldest = since;
    }
    return oldest === undefined ? undefined : Math.max(oldest, this.#begun);
  }
}
