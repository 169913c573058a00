import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Changes } from '../../src/claims/data-version.ts';
import { type Connection, connect } from '../../src/db/client.ts';
import { generated, lines } from '../../src/generate/command.ts';
import { Random } from '../../src/generate/random.ts';
import type { Format } from '../../src/ingest/format.ts';
import { rif } from '../../src/ingest/formats/rif.ts';
import { openInput } from '../../src/ingest/input.ts';
import { load } from '../../src/ingest/pipeline.ts';
import { endImport, prepare, runImport } from '../../src/ingest/queries.ts';
import { testDatabase } from '../support/database.ts';
import { testLoads } from '../support/loads.ts';
import { runProgram } from '../support/program.ts';
import { carrierClaims } from '../support/rif.ts';
import { expectTotalsExact } from '../support/totals.ts';

const loads = await testLoads();
const { db, write, counts, imports, load: loadData } = loads;
const claims = 16_000;
const kills = 2;

/** Some batches of claims, every thousandth of which cannot be taken. */
async function writeSome(format: '837p' | '835' | 'ndjson'): Promise<void> {
  let count = 0;
  const text = [...lines(generated(3, claims), format)].join('');
  const broken = text.replace(/D8\*20\d\d(?=\d{4}~\nREF\*6R\*1~)|"billablePeriod":\{"start":"20\d\d/g, (found) => {
    count += 1;
    return count % 1000 === 0 ? found.replace(/20\d\d$/, '2O24') : found;
  });
  await write(`claims.${format}`, broken);
}

const stored = async (sql: Connection) => ({
  claims: await sql`select id, version, status, charge, paid, document, source, hash, message from claims order by id`,
  history: await sql`select id, version, document, message, ended_message from claim_history order by id, version`,
  imports: await sql`
    select file, status, read, added, changed, unchanged, rejected, warned from imports order by file`,
  rejects: await sql`
    select file, position, claim, field, import_rejects.reason from import_rejects join imports on imports.id = import_id
    order by file, number`,
});

describe('a load that is killed again and again', () => {
  it.each([
    ['ndjson', ['ndjson']],
    ['837p with its 835', ['837p', '835']],
  ] as const)('of %s comes to what it comes to undisturbed', { timeout: 120_000 }, async (_name, formats) => {
    for (const format of formats) await writeSome(format);
    await loadData();
    const expected = await stored(db.sql);
    expect(expected.rejects).toHaveLength(claims / 1000);

    const disturbed = await testDatabase();
    const random = new Random(claims, formats.length);
    const read = async () => {
      const [row] = await disturbed.sql<{ read: number }[]>`select coalesce(sum(read), 0)::int as read from imports`;
      return row?.read ?? 0;
    };
    const start = () =>
      runProgram(['import', loads.data], { DATABASE_URL: disturbed.url, CLAIMS_API_LOG_LEVEL: 'error' });
    for (let times = 0; times < kills; times += 1) {
      const before = await read();
      const killed = start();
      while ((await read()) === before && killed.child.exitCode === null) await sleep(5);
      await sleep(random.below(100));
      killed.child.kill('SIGKILL');
      await killed.ended();
    }
    const [{ half } = { half: -1 }] = await disturbed.sql<{ half: number }[]>`
      select count(*)::int as half from claims
      where charge is distinct from (document::json -> 'total' ->> 'charge')::numeric
        or paid is distinct from (document::json -> 'total' ->> 'paid')::numeric`;
    expect(half).toBe(0);
    await expectTotalsExact(disturbed.sql);
    expect(await start().ended()).toBe(2);
    expect(await stored(disturbed.sql)).toEqual(expected);
    await expectTotalsExact(disturbed.sql);
  });
});

describe('a load that is interrupted', () => {
  /** Stops after so many claims, as a crash would: what was committed stays, the rest is gone. */
  const crashing = (after: number): Format => ({
    ...rif,
    async *read(...args) {
      let count = 0;
      for await (const entry of rif.read(...args)) {
        count += 1;
        if (count > after) throw new Error('crash');
        yield entry;
      }
    },
  });

  it('goes on where it was, and counts each record once', async () => {
    await write(
      'a.csv',
      carrierClaims(10_000, (index) => (index === 5 || index === 9000 ? { CLM_PMT_AMT: 'x' } : {})),
    );
    const id = await loads.begin('a.csv');
    await prepare(db.sql);
    await expect(
      load(db.sql, openInput(join(loads.data, 'a.csv')), crashing(7000), {
        id,
        resume: null,
        changes: new Changes(db.sql),
        givesWay: () => false,
        progress: () => {},
      }),
    ).rejects.toThrow('crash');
    const [before] = await db.sql`select read::int, resume from imports`;
    expect(before?.read).toBe(7000);

    await loadData();
    expect(await imports()).toMatchObject([
      { status: 'completed', read: 10_000, added: 9998, unchanged: 0, rejected: 2 },
    ]);
    expect(await counts()).toEqual({ claims: 9998, history: 0, paid: '799840.00' });
    expect(await db.sql`select number from import_rejects order by number`).toEqual([{ number: 1 }, { number: 2 }]);
  });

  const start = () => runProgram(['import', loads.data], { DATABASE_URL: db.url, CLAIMS_API_LOG_LEVEL: 'error' });

  it('says what to do when its connection is ended, and then goes on', { timeout: 60_000 }, async () => {
    const total = 30_000;
    await write('a.csv', carrierClaims(total));
    const loading = start();
    while ((await db.sql`select from imports where read > 0`).length === 0) await sleep(10);
    await db.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'claims-api import'
      and datname = current_database()`;
    expect(await loading.ended()).toBe(1);
    expect(loading.output()).toMatch(
      /^claims: The connection to the database was lost \(\w+\): see that PostgreSQL runs, and run the command again\. An import goes on where it was\.$/,
    );
    const [{ read } = { read: 0 }] = await db.sql<{ read: number }[]>`select read::int from imports`;
    expect(read).toBeLessThan(total);
    expect(await start().ended()).toBe(0);
    expect(await counts()).toMatchObject({ claims: total, history: 0 });
    expect(await imports()).toMatchObject([{ status: 'completed', read: total, added: total }]);
  });

  it('is exact after the process was killed in the middle of it', { timeout: 60_000 }, async () => {
    const total = 30_000;
    await write('a.csv', carrierClaims(total));
    const killed = start();
    while ((await db.sql`select from imports where read > 0`).length === 0) {
      if (killed.child.exitCode !== null)
        throw new Error(`the load ended before it could be killed: ${killed.output()}`);
    }
    killed.child.kill('SIGKILL');
    await killed.ended();
    const [left] = await db.sql`select status, read::int from imports`;
    expect(left).toMatchObject({ status: 'running' });
    expect(left?.read).toBeLessThan(total);

    expect(await start().ended()).toBe(0);
    expect(await counts()).toEqual({ claims: total, history: 0, paid: '2400000.00' });
    expect(await imports()).toMatchObject([{ status: 'completed', read: total, added: total, unchanged: 0 }]);
  });

  it('is on the disk when its end is said, though its batches did not wait for that', async () => {
    await write('a.csv', carrierClaims(1));
    const id = await loads.begin('a.csv');
    const sql = connect(db.url, { name: 'lazy' });
    await prepare(sql);
    await runImport(sql, id, 'rif');
    const [before] = await sql`select pg_current_wal_insert_lsn() as lsn`;
    await endImport(sql, id, 'completed', null);
    const [after] = await sql`select pg_current_wal_flush_lsn() > ${before?.lsn}::pg_lsn as flushed`;
    expect(after).toEqual({ flushed: true });
    await sql.end();
  });
});
