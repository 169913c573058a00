import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Changes } from '../../src/claims/data-version.ts';
import { connect } from '../../src/db/client.ts';
import { savepoint } from '../../src/ingest/dry-run.ts';
import type { Format } from '../../src/ingest/format.ts';
import { detectFormat } from '../../src/ingest/formats/index.ts';
import { openInput, readHead } from '../../src/ingest/input.ts';
import { load } from '../../src/ingest/pipeline.ts';
import { prepare } from '../../src/ingest/queries.ts';
import { testLoads } from '../support/loads.ts';
import { carrierClaims, carrierFile, carrierRow } from '../support/rif.ts';
import { an835, an837, claim, paidClaim } from '../support/x12.ts';

const loads = await testLoads();
const { db } = loads;

/** The claim as a void of the claim of this number. */
const voiding = (number: string) => {
  const [first = '', ...rest] = claim('V1', '100', '8');
  return [first, `REF*F8*${number}`, ...rest];
};

await prepare(db.sql);

interface Begun {
  id: string;
  /** Resolves when the file is loaded. */
  run(transaction?: typeof savepoint): Promise<void>;
}

async function begun(text: string, sql = db.sql): Promise<Begun> {
  const name = randomUUID();
  const path = join(loads.data, name);
  await loads.write(name, text);
  const id = await loads.begin(name, sql);
  const format = detectFormat(await readHead(path)) as Format;
  return {
    id,
    run: (transaction) =>
      load(sql, openInput(path), format, {
        id,
        resume: null,
        changes: transaction ? undefined : new Changes(sql),
        givesWay: () => false,
        progress: () => {},
        ...(transaction && { transaction }),
      }),
  };
}

const loaded = async (text: string) => (await begun(text)).run();

const waiting = async () => {
  const [row] = await db.sql<{ count: number }[]>`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and application_name like '%replica%' and wait_event_type = 'Lock'`;
  return row?.count ?? 0;
};

/** Loads the second file while all that the first one does is done and not committed. Returns whether it had to wait. */
async function meanwhile(first: string, second: string): Promise<boolean> {
  const replicas = [1, 2].map((number) => connect(db.url, { name: `replica${number}` }));
  const holder = connect(db.url, { name: 'holder' });
  try {
    await Promise.all(replicas.map(prepare));
    const [one, other] = [await begun(first, replicas[0]), await begun(second, replicas[1])];
    await holder`begin`;
    // The import is the last that a batch writes.
    await holder`select from imports where id = ${one.id} for update`;
    const firstDone = one.run();
    while ((await waiting()) < 1) await sleep(5);
    let ended = false;
    const otherDone = other.run().then(() => {
      ended = true;
    });
    while (!ended && (await waiting()) < 2) await sleep(5);
    const waited = !ended;
    await holder`commit`;
    await Promise.all([firstDone, otherDone]);
    return waited;
  } finally {
    await Promise.all([...replicas, holder].map((sql) => sql.end({ timeout: 1 })));
  }
}

const claims = () => db.sql`select identifier_value as number, status, paid from claims order by 1`;

it.each([
  ['pays it while another voids it', an835('70', paidClaim()), an837(voiding('PCN1'))],
  ['voids it while another pays it', an837(voiding('PCN1')), an835('70', paidClaim())],
])('replicas agree on a claim when one %s', async (_name, first, second) => {
  await loaded(an837(claim()));
  await meanwhile(first, second);
  expect(await claims()).toEqual([{ number: 'C1', status: 'cancelled', paid: '70.00' }]);
});

it.each([
  ['voids it while another submits it', an837(voiding('C1')), an837(claim())],
  ['submits it while another voids it', an837(claim()), an837(voiding('C1'))],
])('replicas agree on a claim when one %s', async (_name, first, second) => {
  await loaded(an837(claim('C0')));
  await meanwhile(first, second);
  expect((await claims()).slice(1)).toEqual([{ number: 'C1', status: 'cancelled', paid: null }]);
});

it('replicas agree on a claim when one submits it while another pays it by the tax number of its provider', async () => {
  const byTaxNumber = an835('70', paidClaim()).replace('*XX*1234567893', '*FI*123456789');
  await meanwhile(an837(claim()), byTaxNumber);
  expect(await claims()).toEqual([{ number: 'C1', status: 'paid', paid: '70.00' }]);
});

const beneficiary = 'BENE_ID|BENE_BIRTH_DT|BENE_SEX_IDENT_CD|RFRNC_YR\n-1|17-Jan-1942|2|2015\n';
const carrier = (number: string) => carrierFile([carrierRow({ CLM_ID: number, BENE_ID: '-1' })]);

it.each([
  ['loaded by another that began before', carrier('-9'), beneficiary],
  ['that another loads', beneficiary, carrier('-9')],
])('a claim is completed by what is known of its patient from a file %s', async (_name, first, second) => {
  const births = () =>
    db.sql`select document::json -> 'patient' ->> 'birthDate' as birth from claims order by identifier_value`;
  await meanwhile(first, second);
  expect(await births()).toEqual([{ birth: '1942-01-17' }]);
  // Now that patients are known, claims are looked up before they are written.
  await meanwhile(beneficiary.replace('1942|2|2015', '1943|2|2016'), carrier('-8'));
  expect(await births()).toEqual([{ birth: '1943-01-17' }, { birth: '1943-01-17' }]);
});

it('replicas load submissions at the same time', async () => {
  await loaded(an837(claim('C0')));
  expect(await meanwhile(an837(claim('C1')), an837(claim('C2')))).toBe(false);
  expect(await claims()).toHaveLength(3);
});

it('no state of a claim ends before it began, though its transaction began before', async () => {
  await loaded(an837(claim()));
  const slow = connect(db.url, { name: 'slow' });
  await prepare(slow);
  const last = await begun(an837(claim('C1', '120')));
  await slow`begin`;
  await slow`select now()`;
  await loaded(an837(claim('C1', '110')));
  const again = await begun(an837(claim('C1', '120', '1')).replace('HI*ABK:E119', 'HI*ABK:E118'), slow);
  await again.run(savepoint);
  await slow`commit`;
  await slow.end();
  await last.run();
  const states = await db.sql`
    select version, ended_at >= updated_at as "inOrder" from claim_history order by version`;
  expect(states).toEqual([1, 2, 3].map((version) => ({ version, inOrder: true })));
});

describe('replicas that load a directory', () => {
  it('load no file twice when they start together', async () => {
    for (let index = 0; index < 5; index += 1) {
      await loads.write(
        `${index}.csv`,
        carrierClaims(200, (row) => ({ CLM_ID: `-${index}00${row}` })),
      );
    }
    const summaries = await Promise.all([loads.load(), loads.load(), loads.load()]);
    expect(summaries.reduce((sum, { completed }) => sum + completed, 0)).toBe(5);
    expect(await loads.imports()).toHaveLength(5);
    expect(await loads.counts()).toMatchObject({ claims: 1000, history: 0 });
  });

  it('agree on a claim that both add from different files at the same time', async () => {
    await loads.write('a.csv', carrierClaims(2000));
    await loads.write('b.csv', `${carrierClaims(2000)}${carrierRow({ CLM_ID: '-5000' })}\n`);
    await Promise.all([loads.load(), loads.load()]);
    expect(await loads.counts()).toMatchObject({ claims: 2001, history: 0 });
    const [sum] = await db.sql`select sum(added)::int as added, sum(unchanged)::int as unchanged from imports`;
    expect(sum).toEqual({ added: 2001, unchanged: 2000 });
  });
});
