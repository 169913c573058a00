import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { claimStatuses } from '../../src/claims/schema.ts';
import { connect } from '../../src/db/client.ts';
import { Random } from '../../src/generate/random.ts';
import { logReport } from '../../src/ingest/report.ts';
import { loadListed } from '../../src/ingest/scan.ts';
import { importClaims, importText, silentLog } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';
import { testDatabase } from '../support/database.ts';
import { carrierFile, carrierRow } from '../support/rif.ts';
import { expectTotalsExact } from '../support/totals.ts';
import { an835, an837, claim, paidClaim } from '../support/x12.ts';

const unfolded = (db: Awaited<ReturnType<typeof testDatabase>>) => db.sql`select from claim_total_changes`;

/** A file that says something of some of few claims. */
function someFile(random: Random): string {
  const some = <T>(values: readonly T[]) => values[random.below(values.length)] as T;
  const numbers = ['C1', 'C2', 'C3', 'C4', 'C5'].filter(() => random.below(2) > 0);
  const amount = () => some(['100', '90.10', '0.01']);
  const ending = (frequency: string) => {
    const [clm = '', ...rest] = claim(some(['C1', 'E1', 'E2']), amount(), frequency);
    return [clm, `REF*F8*${some(['PCN1', 'C2', 'C3', 'C4'])}`, ...rest];
  };
  const remittance = (number: string) => {
    const [clp = '', ...rest] = paidClaim(number);
    return [clp.replace('PCN1', some(['PCN1', number])), ...rest];
  };
  const date = (text: string) => text.replace('*20240110*', `*2024${some(['01', '02', '03'])}10*`);
  switch (random.below(6)) {
    case 0:
      return date(an837(...numbers.map((number) => claim(number, amount())), claim('C1', amount())));
    case 1:
      return date(an837(ending(some(['7', '8'])), ...numbers.map((number) => claim(number, amount()))));
    case 2:
      return an835('70', ...numbers.map(remittance), paidClaim(some(['C1', 'C9'])));
    case 3: // Reported by the tax number alone: a claim of its own until its 837 comes.
      return an835('70', remittance(some(['C4', 'C5']))).replace('*XX*1234567893', '*FI*123456789');
    case 4:
      return `BENE_ID|BENE_BIRTH_DT|BENE_SEX_IDENT_CD|RFRNC_YR\n-1|${some(['17', '18'])}-Jan-1942|2|${2010 + random.below(9)}\n`;
    default:
      return carrierFile(
        ['-7', '-8', '-9'].map((CLM_ID) =>
          carrierRow({ CLM_ID, BENE_ID: '-1', CLM_PMT_AMT: some(['80.00', '81.00']) }),
        ),
      );
  }
}

it('the totals are exact whatever is loaded, in whatever order', { timeout: 120_000 }, async () => {
  const met = { changed: 0, ended: 0 };
  for (let run = 0; run < 6; run += 1) {
    const db = await testDatabase();
    const random = new Random(run, 7);
    for (let load = 0; load < 12; load += 1) {
      await importText(db.url, someFile(random));
      await expectTotalsExact(db.sql);
    }
    const [row] = await db.sql<{ changed: number; ended: number }[]>`
      select count(*)::int as changed, count(*) filter (where id not in (select id from claims))::int as ended
      from claim_history`;
    met.changed += row?.changed ?? 0;
    met.ended += row?.ended ?? 0;
  }
  expect(met.changed).toBeGreaterThan(50);
  expect(met.ended, 'claims that turned out to be others').toBeGreaterThan(0);
});

it('the totals are exact while replicas load the same claims at once, and when they have', {
  timeout: 60_000,
}, async () => {
  const db = await testDatabase();
  const numbers = Array.from({ length: 1500 }, (_, index) => ({ system: 'urn:test', value: `${index}` }));
  const files = claimStatuses.slice(0, 8).map((status, file) =>
    numbers.slice(file * 100).map((identifier, index) =>
      aClaim({
        identifier,
        status,
        insurer: { id: `${(index + file) % 30}` },
        total: { charge: `${index}.0${file}` },
      }),
    ),
  );
  let loading = true;
  const loaded = Promise.all(files.map((claims) => importClaims(db.url, claims))).finally(() => {
    loading = false;
  });
  loaded.catch(() => {});
  while (loading) await expectTotalsExact(db.sql);
  await loaded;
  await expectTotalsExact(db.sql);
});

it('the end of an import leaves one row of a kind, and nothing to fold', async () => {
  const db = await testDatabase();
  const identifier = { value: 'one' };
  await importClaims(db.url, [aClaim({ identifier }), aClaim(), aClaim({ insurer: undefined })]);
  await importClaims(db.url, [aClaim({ identifier, total: { charge: '1.00' } }), aClaim({ insurer: undefined })]);
  expect(await unfolded(db)).toHaveLength(0);
  expect(await db.sql`select payer_id, claims::int from claim_totals order by 1`).toEqual([
    { payer_id: '31143', claims: 2 },
    { payer_id: null, claims: 2 },
  ]);
});

it('an import that ends while another folds leaves that to the next one', async () => {
  const db = await testDatabase();
  const other = connect(db.url, { name: 'other' });
  await other`begin`;
  await other`select pg_advisory_xact_lock(1, 3)`;
  await importClaims(db.url, [aClaim()]);
  expect(await unfolded(db)).toHaveLength(1);
  await expectTotalsExact(db.sql);
  await other`commit`;
  await other.end();
  await importClaims(db.url, [aClaim()]);
  expect(await unfolded(db)).toHaveLength(0);
  await expectTotalsExact(db.sql);
});

it('a dry run leaves the totals as they are, and folds nothing', async () => {
  const db = await testDatabase();
  await importClaims(db.url, [aClaim()]);
  const path = fileURLToPath(new URL('../../docker/data/claims.ndjson', import.meta.url));
  const options = { report: logReport(silentLog()), dryRun: true };
  expect(await loadListed(db.url, [{ path, name: 'claims.ndjson' }], options)).toMatchObject({ completed: 1 });
  expect(await db.sql`select sum(claims)::int as claims from claim_totals`).toEqual([{ claims: 1 }]);
  await expectTotalsExact(db.sql);
});

it('a database that had claims before it had totals gets them by its migration', async () => {
  const db = await testDatabase();
  await importClaims(db.url, [aClaim(), aClaim({ insurer: undefined, total: { charge: undefined } }), aClaim()]);
  await db.sql`drop table claim_totals, claim_total_changes`;
  const migration = new URL('../../src/db/migrations/0007_add_claim_totals.sql', import.meta.url);
  await db.sql.begin(async (tx) => tx.unsafe(await readFile(migration, 'utf8')));
  expect(await db.sql`select claims::int from claim_totals order by claims`).toEqual([{ claims: 1 }, { claims: 2 }]);
  await expectTotalsExact(db.sql);
});
