import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { announceChanges, currentVersion, dataVersion, raiseDataVersion } from '../../src/claims/data-version.ts';
import { type Connection, connect, type Pool, transaction } from '../../src/db/client.ts';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase();

const change = (sql: Connection) => transaction(sql, raiseDataVersion);

/** Runs work on a connection that has announced changes. */
async function changing<T>(work: (sql: Connection) => Promise<T>): Promise<T> {
  const sql = connect(db.url, { name: 'changes' });
  try {
    await announceChanges(sql);
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** When nobody holds the lock: a connection that has ended does so for a moment. */
async function quiet(): Promise<void> {
  for (let isHeld = true; isHeld; ) {
    const [row] = await db.sql<{ held: boolean }[]>`
      select exists (select from pg_locks join pg_database on oid = database
        where locktype = 'advisory' and classid = 1 and objid = 4 and datname = current_database()) as held`;
    isHeld = row?.held ?? false;
  }
}

describe('the version', () => {
  it('is never an old one, however often it is asked for while others change claims', async () => {
    const replicas = [currentVersion(db.pool), currentVersion(db.pool)];
    let isOver = false;
    const asking = replicas.map(async (current) => {
      while (!isOver) await current();
    });
    for (let count = 0; count < 20; count += 1) {
      await quiet();
      await changing(async (sql) => {
        await change(sql);
        const changed = await dataVersion(db.sql);
        expect(await Promise.all(replicas.map((current) => current()))).toEqual([changed, changed]);
      });
    }
    isOver = true;
    await Promise.all(asking);
  });

  it('never comes twice, also where the database was put back to an earlier state', async () => {
    const before = await dataVersion(db.sql);
    await change(db.sql);
    const after = await dataVersion(db.sql);
    await db.sql`update data_version set version = ${before}`;
    await change(db.sql);
    expect(BigInt(await dataVersion(db.sql))).toBeGreaterThan(BigInt(after));
  });

  it('is another after each change, whatever the clock says', async () => {
    const tomorrow = String((Date.now() + 86_400_000) * 1000);
    await db.sql`update data_version set version = ${tomorrow}`;
    await change(db.sql);
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
    await quiet();
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
    const changes = connect(db.url, { name: 'changes' });
    await announceChanges(changes);
    const changeAndEnd = async () => {
      await change(changes);
      await changes.end();
      await quiet();
    };
    // Between the two statements of the first question.
    const between = (sql: Connection) => {
      let before: Promise<unknown> | undefined;
      return ((...statement: Parameters<Connection>) => {
        before = Promise.resolve(before?.then(changeAndEnd)).then(() => sql(...statement));
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

  it('is asked each time while somebody does, and once for all who ask together', async () => {
    const { count, current } = counted();
    await changing(async () => {
      for (let index = 0; index < 10; index += 1) await Promise.all([current(), current(), current()]);
    });
    expect(count.questions).toBe(10);
  });
});
