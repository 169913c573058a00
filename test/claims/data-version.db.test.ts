import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { currentVersion, dataVersion } from '../../src/claims/data-version.ts';
import type { Claim } from '../../src/claims/schema.ts';
import { type Connection, connect, type Pool } from '../../src/db/client.ts';
import type { ListedFile } from '../../src/ingest/import-file.ts';
import { logReport } from '../../src/ingest/report.ts';
import { loadListed } from '../../src/ingest/scan.ts';
import { silentLog } from '../support/app.ts';
import { changing } from '../support/changes.ts';
import { aClaim } from '../support/claims.ts';
import { testDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';

const db = await testDatabase();

const change = () => changing(db.sql, () => {});

describe('the version', () => {
  it('is never an old one, however often it is asked for while others change claims', async () => {
    const replicas = [currentVersion(db.pool), currentVersion(db.pool)];
    let isOver = false;
    const asking = replicas.map(async (current) => {
      while (!isOver) await current();
    });
    for (let count = 0; count < 20; count += 1) {
      await change();
      const changed = await dataVersion(db.sql);
      expect(await Promise.all(replicas.map((current) => current()))).toEqual([changed, changed]);
    }
    isOver = true;
    await Promise.all(asking);
  });

  it('never comes twice, also where the database was put back to an earlier state', async () => {
    const before = await dataVersion(db.sql);
    await change();
    const after = await dataVersion(db.sql);
    await db.sql`update data_version set version = ${before}`;
    await change();
    expect(BigInt(await dataVersion(db.sql))).toBeGreaterThan(BigInt(after));
  });

  it('is another after each change, whatever the clock says', async () => {
    const tomorrow = String((Date.now() + 86_400_000) * 1000);
    await db.sql`update data_version set version = ${tomorrow}`;
    await change();
    expect(BigInt(await dataVersion(db.sql))).toBe(BigInt(tomorrow) + 1n);
  });
});

describe('the database', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function counted() {
    const count = { questions: 0 };
    const pool: Pool = {
      ...db.pool,
      run(work) {
        count.questions += 1;
        return db.pool.run(work);
      },
    };
    return { count, current: currentVersion(pool) };
  }

  it('is asked once in ten milliseconds while nobody changes claims', async () => {
    const { count, current } = counted();
    for (let index = 0; index < 10; index += 1) await current();
    vi.advanceTimersByTime(9);
    await current();
    expect(count.questions).toBe(1);
    vi.advanceTimersByTime(1);
    await current();
    expect(count.questions).toBe(2);
  });

  it('is asked in an order that no change slips through', async () => {
    // Between the two statements of the first question.
    const between = (sql: Connection) => {
      let before: Promise<unknown> | undefined;
      return ((...statement: Parameters<Connection>) => {
        before = Promise.resolve(before?.then(change)).then(() => sql(...statement));
        return before;
      }) as unknown as Connection;
    };
    let questions = 0;
    const run: Pool['run'] = (work) => {
      questions += 1;
      return db.pool.run((sql) => work(questions === 1 ? between(sql) : sql));
    };
    const current = currentVersion({ ...db.pool, run });
    await current();
    expect(await current()).toBe(await dataVersion(db.sql));
  });

  it('is asked each time while a change is announced, and once for all who ask together', async () => {
    const { count, current } = counted();
    await changing(db.sql, async () => {
      for (let index = 0; index < 10; index += 1) await Promise.all([current(), current(), current()]);
    });
    expect(count.questions).toBe(10);
  });

  const [oldest, newest] = ['1990-01-01', '2030-01-01'].map((day) =>
    aClaim({ billablePeriod: { start: day, end: day } }),
  ) as [Claim, Claim];
  const isRow = ({ identifier }: Claim) => `new.identifier_value = '${identifier.value}'`;

  it.each([
    ['the first rows of a batch', 'claims', isRow(oldest), 1],
    ['the last rows of a batch', 'claims', isRow(newest), 10],
    ['nothing, between two files', 'imports', "new.file = 'small.ndjson'", 10],
  ])('is asked while an import writes %s', async (_what, table, condition, questions) => {
    await db.sql`truncate claims, imports, import_files, import_rejects`;
    // The first batch holds 500.
    const large = [...Array.from({ length: 2500 }, () => aClaim()), oldest, newest];
    const files = await Promise.all([
      temporaryClaims('large.ndjson', large),
      temporaryClaims('small.ndjson', [aClaim()]),
    ]);
    const { count, current } = counted();
    const holder = connect(db.url, { name: 'holder' });
    try {
      await holder`select pg_advisory_lock(7)`;
      await db.sql.unsafe(`
        create or replace function hold() returns trigger language plpgsql as $$
          begin perform pg_advisory_xact_lock(7); return new; end $$;
        create trigger hold before insert on ${table} for each row when (${condition}) execute function hold()`);
      const loaded = loadListed(db.url, files, { report: logReport(silentLog()) });
      const isHeld = async () => {
        const [row] = await db.sql<{ held: boolean }[]>`
          select exists (select from pg_locks where locktype = 'advisory' and objid = 7 and not granted) as held`;
        return row?.held ?? false;
      };
      while (!(await isHeld()));
      for (let index = 0; index < 10; index += 1) await current();
      expect(count.questions).toBe(questions);
      await holder`select pg_advisory_unlock(7)`;
      expect(await loaded).toMatchObject({ completed: 2, rejected: 0 });
      vi.advanceTimersByTime(10);
      expect(await current()).toBe(await dataVersion(db.sql));
    } finally {
      await holder.end();
      await db.sql.unsafe(`drop trigger hold on ${table}`);
    }
  });
});

async function temporaryClaims(name: string, claims: Claim[]): Promise<ListedFile> {
  const path = join(await temporaryDirectory(), name);
  await writeFile(path, claims.map((claim) => `${JSON.stringify(claim)}\n`).join(''));
  return { path, name };
}
