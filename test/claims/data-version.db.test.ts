import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Change, currentVersion, dataVersion } from '../../src/claims/data-version.ts';
import { type Connection, connect, type Pool, type Sql, transaction } from '../../src/db/client.ts';
import { importClaims } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase();

/** Does work in a transaction that has announced a change, and makes it. */
const changing = (work: (tx: Sql) => unknown) =>
  transaction(db.sql, async (tx) => {
    const change = new Change(tx);
    await change.announce();
    await work(tx);
    await change.raiseVersion();
  });

const change = () => changing(() => {});

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
    await changing(async () => {
      for (let index = 0; index < 10; index += 1) await Promise.all([current(), current(), current()]);
    });
    expect(count.questions).toBe(10);
  });

  it.each([
    ['the first of its rows', '1990-01-01', 1],
    ['the last of its rows', '2030-01-01', 10],
  ])('is asked during an import when it writes %s', async (_which, serviceDate, questions) => {
    const marked = aClaim({ billablePeriod: { start: serviceDate, end: serviceDate } });
    // The first batch holds 500.
    const claims = [...Array.from({ length: 2500 }, () => aClaim()), marked];
    const { count, current } = counted();
    const holder = connect(db.url, { name: 'holder' });
    try {
      await holder`select pg_advisory_lock(7)`;
      await db.sql.unsafe(`
        create or replace function hold() returns trigger language plpgsql as $$
          begin perform pg_advisory_xact_lock(7); return new; end $$;
        create or replace trigger hold before insert on claims for each row
          when (new.identifier_value = '${marked.identifier.value}') execute function hold()`);
      const imported = importClaims(db.url, claims);
      const isHeld = async () => {
        const [row] = await db.sql<{ held: boolean }[]>`
          select exists (select from pg_locks where locktype = 'advisory' and objid = 7 and not granted) as held`;
        return row?.held ?? false;
      };
      while (!(await isHeld()));
      for (let index = 0; index < 10; index += 1) await current();
      expect(count.questions).toBe(questions);
      await holder`select pg_advisory_unlock(7)`;
      await imported;
      vi.advanceTimersByTime(10);
      expect(await current()).toBe(await dataVersion(db.sql));
    } finally {
      await holder.end();
    }
  });
});
