import { chmod, mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WaitingSince } from '../../src/ingest/import-metrics.ts';
import { contentHash } from '../../src/ingest/input.ts';
import { lockContent, unlockContent } from '../../src/ingest/queries.ts';
import { watchDirectory } from '../../src/ingest/watch.ts';
import { capturedLog, loadHere } from '../support/app.ts';
import { testLoads } from '../support/loads.ts';
import { carrierClaims, carrierFile, carrierRow } from '../support/rif.ts';

const mounted = await testLoads();
const { db, write } = mounted;
const scanSeconds = 0.1;

/** Written long ago. */
async function writeOld(name: string, content: string) {
  await write(name, content);
  await utimes(join(mounted.data, name), 1_700_000_000, 1_700_000_000);
}

async function until(condition: () => Promise<boolean> | boolean) {
  while (!(await condition())) await sleep(10);
}

function watch(
  options: { directory?: string; scanSeconds?: number; fails?: () => Error | undefined; before?: Promise<void> } = {},
) {
  const { log, lines } = capturedLog();
  const stop = new AbortController();
  /** The names of the files of each load. */
  const loads: string[][] = [];
  let loaded = 0;
  let scans = 0;
  let waitingSince: WaitingSince | undefined;
  const ended = watchDirectory({
    dataDirectory: options.directory ?? mounted.data,
    scanSeconds: options.scanSeconds ?? scanSeconds,
    db: {
      ...db.pool,
      run: (work) => {
        scans += 1;
        return db.pool.run(work);
      },
    },
    log,
    signal: stop.signal,
    load: async (work, signal) => {
      loads.push(work.files.map(({ name }) => name));
      await options.before;
      const failure = options.fails?.();
      if (failure) throw failure;
      return loadHere(db.url)(work, signal);
    },
    loaded: () => {
      loaded += 1;
    },
    waits: (since) => {
      waitingSince = since;
    },
  });
  onTestFinished(() => stop.abort());
  return { loads, lines, ended, stop, loaded: () => loaded, asked: () => scans, waitingSince: () => waitingSince?.() };
}

const claims = async () => (await db.sql`select from claims`).length;
const severalScans = () => sleep(scanSeconds * 1000 * 6);

describe('watching the data directory', () => {
  it('loads what is there at once, and then what comes', async () => {
    await writeOld('a.csv', carrierClaims(2));
    const { loads, loaded } = watch();
    await until(() => loaded() === 1);
    expect(await claims()).toBe(2);
    await write('b.csv', carrierClaims(3));
    await until(async () => (await claims()) === 3);
    await severalScans();
    expect(loads).toEqual([['a.csv'], ['b.csv']]);
    expect(loaded()).toBe(1);
  });

  it('loads a file again that has changed, and none that has not', async () => {
    await writeOld('a.csv', carrierClaims(2));
    await writeOld('b.csv', carrierFile([carrierRow({ CLM_ID: '-50' })]));
    const { loads, loaded } = watch();
    await until(() => loaded() === 1);
    await write('a.csv', carrierClaims(4));
    await until(async () => (await claims()) === 5);
    expect(loads).toEqual([['a.csv', 'b.csv'], ['a.csv']]);
  });

  it('leaves a file alone while it is written', async () => {
    const { loads, loaded } = watch();
    await until(() => loaded() === 1);
    for (let rows = 1; rows <= 12; rows += 1) {
      await write('a.csv', carrierClaims(rows));
      await sleep(scanSeconds * 500);
    }
    expect(loads.filter((files) => files.length > 0)).toEqual([]);
    // The import ends a moment after its claims are there.
    await until(async () => (await db.sql`select from imports where finished_at is not null`).length > 0);
    expect(await db.sql`select status from imports`).toEqual([{ status: 'completed' }]);
    expect(await claims()).toBe(12);
  });

  it('is ready when what was just being written at the start is loaded', async () => {
    await write('a.csv', carrierClaims(2));
    const { loads, loaded } = watch({ scanSeconds: 0.5 });
    await sleep(100);
    expect([loads, loaded()]).toEqual([[], 0]);
    await until(() => loaded() === 1);
    expect(await claims()).toBe(2);
  });

  it('says nothing, and asks the database nothing, while nothing is new', async () => {
    await writeOld('a.csv', carrierClaims(2));
    await writeOld('notes.txt', 'nothing to see');
    const { lines, asked } = watch();
    await until(() => asked() > 0);
    await severalScans();
    const before = [lines.length, asked()];
    await severalScans();
    expect([lines.length, asked()]).toEqual(before);
  });

  it.each<[string, string, string]>([
    ['refused', 'a.db', 'SQLite format 3\0'],
    ['of no known format', 'notes.txt', 'nothing to see'],
  ])('does not try a file again that was %s, until it changes', async (_what, name, content) => {
    const { loads, loaded } = watch();
    await until(() => loaded() === 1);
    await write(name, content);
    await until(() => loads.some((files) => files.includes(name)));
    await severalScans();
    expect(loads.filter((files) => files.includes(name))).toHaveLength(1);
    await write(name, carrierClaims(1));
    await until(async () => (await claims()) === 1);
  });

  it.skipIf(process.getuid?.() === 0)('does not try a file again that it may not read, until it changes', async () => {
    const { loads, loaded } = watch();
    await until(() => loaded() === 1);
    await write('a.csv', carrierClaims(1));
    await chmod(join(mounted.data, 'a.csv'), 0);
    await until(() => loads.some((files) => files.includes('a.csv')));
    await severalScans();
    expect(loads.filter((files) => files.includes('a.csv'))).toHaveLength(1);
  });

  it.skipIf(process.getuid?.() === 0)(
    'loads a file that it may read at last, though its content is the same',
    async () => {
      const { loads, loaded } = watch();
      await until(() => loaded() === 1);
      await write('a.csv', carrierClaims(1));
      await chmod(join(mounted.data, 'a.csv'), 0);
      await until(() => loads.some((files) => files.includes('a.csv')));
      await severalScans();
      await chmod(join(mounted.data, 'a.csv'), 0o600);
      await until(async () => (await claims()) === 1);
    },
  );

  it('has a file whose name is not UTF-8 reported once', async () => {
    const { loads, loaded } = watch();
    await until(() => loaded() === 1);
    await writeFile(
      Buffer.concat([Buffer.from(`${mounted.data}/`), Buffer.from('caf\xe9.csv', 'latin1')]),
      carrierClaims(1),
    );
    await write('b.csv', carrierClaims(2));
    await until(async () => (await claims()) === 2);
    await severalScans();
    expect(loads.filter((files) => files.includes('caf\uFFFD.csv'))).toHaveLength(1);
  });

  it('tries again where the database was the reason', { timeout: 20_000 }, async () => {
    await writeOld('a.csv', carrierClaims(2));
    let failures = 1;
    const { loads, loaded, lines } = watch({
      fails: () => (failures-- > 0 ? Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }) : undefined),
    });
    await until(() => loaded() === 1);
    expect(loads).toEqual([['a.csv'], ['a.csv']]);
    expect(lines.join('')).toContain('the database cannot be reached; trying again in 5 seconds');
    expect(await claims()).toBe(2);
  });

  it('leaves a file to the replica that loads it, and takes it over when that one is gone', async () => {
    const { loads, loaded } = watch();
    await until(() => loaded() === 1);
    await write('a.csv', carrierClaims(2));
    const path = join(mounted.data, 'a.csv');
    const hash = await contentHash(path);
    // As the other replica has it: begun, and its content locked.
    const id = '00000000-0000-4000-8000-000000000001';
    await lockContent(db.sql, hash);
    const { size, mtime } = await stat(path);
    await db.sql`insert into imports (id, file, size, content_hash, status, started_at)
      values (${id}, 'a.csv', ${size}, ${hash}, 'running', now())`;
    await db.sql`insert into import_files (file, size, modified_at, import_id)
      values ('a.csv', ${size}, ${mtime}, ${id})`;
    await severalScans();
    expect(loads.filter((files) => files.includes('a.csv'))).toEqual([]);
    await unlockContent(db.sql, hash);
    await expect
      .poll(() => db.sql`select id, status from imports`, { timeout: 20_000 })
      .toEqual([{ id, status: 'completed' }]);
    expect(await claims()).toBe(2);
  });

  it('says once that the directory is missing, and loads it when it comes', async () => {
    await rm(mounted.data, { recursive: true });
    const { lines, loaded } = watch();
    await until(() => loaded() === 1);
    await severalScans();
    expect(lines.filter((line) => line.includes('does not exist: mount'))).toHaveLength(1);
    await mkdir(mounted.data);
    await write('a.csv', carrierClaims(2));
    await until(async () => (await claims()) === 2);
  });

  it('tells since when a file waits, until it is loaded', async () => {
    await writeOld('a.csv', carrierClaims(2));
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const began = Date.now();
    const { loads, loaded, waitingSince } = watch({ before: held });
    await until(() => loads.length > 0);
    expect(waitingSince()).toBeGreaterThanOrEqual(began);
    release();
    await until(() => loaded() === 1);
    expect(waitingSince()).toBeUndefined();
  });

  it('looks once where it shall not look again', async () => {
    await write('a.csv', carrierClaims(2));
    const { ended, loads, loaded } = watch({ scanSeconds: 0 });
    await ended;
    expect([loads, loaded()]).toEqual([[['a.csv']], 1]);
  });

  it('ends when it is told to', async () => {
    const { ended, stop, loaded } = watch({ scanSeconds: 60 });
    await until(() => loaded() === 1);
    stop.abort();
    await ended;
  });
});
