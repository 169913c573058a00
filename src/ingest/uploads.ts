import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, isUnavailable, type Pool, transaction } from '../db/client.ts';
import type { Logger } from '../log.ts';
import { findImport, type ImportRow } from './import-queries.ts';
import { loadHash } from './input.ts';
import { beginImport } from './queries.ts';
import type { Spool, Spooled, SpoolLimits } from './spool.ts';
import * as queries from './upload-queries.ts';
import type { LoadInWorker } from './worker.ts';

const retrySeconds = 5;
const sweepSeconds = 60;
const interrupted = 'the service ended before it was loaded; upload it again';
/** No path of the data directory begins like this. */
const keyPrefix = '//upload/';
const unnamed = 'upload';

export interface UploadOptions {
  /** To call it by; a name that had another content is followed, as a file is. */
  name?: string | undefined;
  format?: string | undefined;
  source?: string | undefined;
}

interface Upload extends UploadOptions {
  id: string;
  file: string;
  path: string;
  /** When it was taken, in milliseconds. */
  since: number;
}

interface UploadsOptions {
  databaseUrl: string;
  spool: Spool;
  load: LoadInWorker;
  log: Logger;
  signal: AbortSignal;
}

/** Somebody else takes the same content at this moment, and it cannot be told yet as what. */
export class UploadBusy extends Error {}

export class EmptyUpload extends Error {}

/** Content that came over the API: kept in files until it is loaded, one after the other. */
export class Uploads {
  readonly #options: UploadsOptions;
  /** A connection of its own: it holds the locks that say whose files these are. */
  readonly #db: Pool;
  readonly #queue: Upload[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #loading: Promise<void> | undefined;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#db = createPool(options.databaseUrl, 1, { name: 'uploads', statementTimeoutSeconds: 30 });
  }

  /** Ends what other processes left, now and from time to time. */
  async start(): Promise<void> {
    const sweep = () =>
      this.#alone((db) => db.run((sql) => queries.failAbandonedUploads(sql, interrupted))).then(
        (count) => count > 0 && this.#options.log.warn(`${count} uploads were not loaded: their process ended`),
        (error) => this.#options.log.warn({ err: error }, 'uploads that were left cannot be looked for'),
      );
    await this.#options.spool.sweep();
    await sweep();
    this.#sweeper = setInterval(sweep, sweepSeconds * 1000).unref();
  }

  /**
   * Takes content, to be loaded when its turn comes. Returns its import: a new one, or the one that has taken the same
   * content before. Throws TooLarge, EmptyUpload, UploadBusy, DatabaseUnavailable, or what the content or the disk threw.
   */
  async take(content: Readable, limits: SpoolLimits, options: UploadOptions): Promise<ImportRow> {
    const { spool } = this.#options;
    const spooled = await spool.write(content, limits);
    let queued: Upload | undefined;
    try {
      if (spooled.size === 0) throw new EmptyUpload();
      const id = await this.#alone(async (db) => {
        const begun = await this.#begin(db, spooled, options);
        if (begun.isOurs) {
          queued = { ...options, id: begun.id, file: options.name ?? unnamed, path: spooled.path, since: Date.now() };
          this.#queue.push(queued);
        }
        return begun.id;
      });
      const row = await this.#db.run((sql) => findImport(sql, id));
      if (row === undefined) throw new Error('the import is gone');
      return row;
    } finally {
      if (queued === undefined) await spool.remove(spooled.path);
      else this.#loading ??= this.#loadAll();
    }
  }

  /** When the oldest that is not loaded yet was taken, in milliseconds. */
  waitingSince(): number | undefined {
    return this.#queue[0]?.since;
  }

  /** After the signal. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#loading;
    const ids = this.#queue.map(({ id }) => id);
    // Where the database cannot be asked, another process finds them without an owner.
    if (ids.length > 0) await this.#db.run((sql) => queries.failUploads(sql, ids, interrupted)).catch(() => {});
    await this.#db.end();
    await this.#options.spool.close();
  }

  /** One piece of work at a time has the connection, as it may be a transaction. */
  #alone<T>(work: (db: Pool) => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => work(this.#db));
    this.#turn = result.catch(() => {});
    return result;
  }

  #begin(
    db: Pool,
    spooled: Spooled,
    { name, format, source }: UploadOptions,
  ): Promise<{ id: string; isOurs: boolean }> {
    const contentHash = loadHash(spooled.hash, format, source);
    return db.run((sql) =>
      transaction(sql, async (tx) => {
        if (!(await queries.tryClaimContent(tx, contentHash))) {
          const id = await queries.findByContent(tx, contentHash);
          if (id === undefined) throw new UploadBusy();
          return { id, isOurs: false };
        }
        const { id, status } = await beginImport(tx, {
          id: randomUUID(),
          file: name ?? unnamed,
          key: name === undefined ? null : `${keyPrefix}${name}`,
          contentHash,
          size: spooled.size,
          modifiedAt: new Date(),
          uploaded: true,
        });
        if (status === 'completed' || this.#queue.some((upload) => upload.id === id)) return { id, isOurs: false };
        if (!(await queries.tryHoldUpload(tx, id))) return { id, isOurs: false };
        await queries.queueImport(tx, id);
        return { id, isOurs: true };
      }),
    );
  }

  async #loadAll(): Promise<void> {
    const { signal, log, spool } = this.#options;
    for (let next = this.#queue[0]; next !== undefined && !signal.aborted; next = this.#queue[0]) {
      const upload = next;
      const failure = await this.#load(upload);
      if (signal.aborted) break;
      await this.#alone((db) =>
        db.run(async (sql) => {
          await queries.failUploads(sql, [upload.id], failure ?? 'the service could not read it; upload it again');
          await queries.releaseUpload(sql, upload.id);
        }),
      ).catch((error) => log.error({ err: error }, `${upload.file}: how it ended cannot be kept`));
      this.#queue.shift();
      await spool.remove(upload.path);
    }
    this.#loading = undefined;
  }

  /** Returns why it was given up. Where the database is the reason, it is tried again. */
  async #load({ path, file, name, format, source }: Upload): Promise<string | undefined> {
    const { load, log, signal } = this.#options;
    const key = name === undefined ? null : `${keyPrefix}${name}`;
    while (!signal.aborted) {
      try {
        await load({ files: [{ path, name: file, key }], format, source }, signal);
        return undefined;
      } catch (error) {
        if (signal.aborted) break;
        if (!isUnavailable(error)) {
          log.error({ err: error }, `${file}: the load failed`);
          return 'the service failed on it';
        }
        log.error({ err: error }, `the database cannot be reached; trying again in ${retrySeconds} seconds`);
        await sleep(retrySeconds * 1000, undefined, { signal }).catch(() => {});
      }
    }
    return undefined;
  }
}
