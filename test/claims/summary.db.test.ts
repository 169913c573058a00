import { describe, expect, it } from 'vitest';
import { addAmounts } from '../../src/claims/amount.ts';
import { searchCode } from '../../src/claims/codes.ts';
import { type Claim, claimStatuses, claimTypes } from '../../src/claims/schema.ts';
import { type Grouping, groupings } from '../../src/claims/summary-queries.ts';
import { expectFault, expectProblem, importClaims, type Query, testApp, withQuery } from '../support/app.ts';
import { changing } from '../support/changes.ts';
import { aClaim } from '../support/claims.ts';
import { expectTotalsExact } from '../support/totals.ts';

const { get, sql, token, url } = await testApp();

const pick = <T>(values: readonly T[], index: number) => values[index % values.length] as T;
// The first and the last of months, of a leap year and of another, of the first and the last year.
const days = [
  '2023-12-31',
  '2024-01-01',
  '2024-01-17',
  '2024-02-01',
  '2024-02-28',
  '2024-02-29',
  '2024-03-01',
  '2023-02-28',
  '0001-01-01',
  '9999-12-31',
  '2024-04-30',
];
const amounts = ['999999999999.99', '0.01', undefined, '-12.34', '999999999999.98', '0.00', '999999999999.97'];

const claims = Array.from({ length: 240 }, (_, index) => {
  const start = pick(days, index);
  return aClaim({
    type: pick(claimTypes, index),
    subType: pick(['inpatient', 'carrier', undefined, 'pde', 'Zebra', '\u00e9'], Math.floor(index / 2)),
    status: pick(claimStatuses, index),
    patient: { id: pick(['P1', 'P2'], Math.floor(index / 3)) },
    provider: index % 6 === 5 ? undefined : { id: pick(['N1', 'N2', 'n1', 'N4'], index) },
    insurer: index % 7 === 6 ? undefined : { id: pick(['I2', 'i1', 'I3'], Math.floor(index / 2)) },
    billablePeriod: { start, end: start },
    diagnosis: index % 3 ? [{ sequence: 1, system: 'ICD-10-CM', code: pick(['E11.9', 'I10'], index) }] : [],
    procedure: [],
    item: [{ sequence: 1, productOrService: { system: 'HCPCS', code: pick(['99213', 'J1100'], index) } }],
    total: {
      charge: pick(amounts, index),
      allowed: pick(amounts, Math.floor(index / 2)),
      paid: index % 4 ? pick(amounts, index + 1) : undefined,
    },
  });
});
await importClaims(url, claims.slice(0, 120));
const [begun] = await sql<{ at: Date }[]>`select clock_timestamp() as at`;
const since = begun?.at.toISOString() ?? '';
await importClaims(url, claims.slice(120));

interface Group {
  [key: string]: string | number | null;
  claims: number;
  charge: string;
  allowed: string;
  paid: string;
}

const address = (query: Query) => withQuery('/api/claims/summary', query);
async function summary(params: Record<string, string> = {}): Promise<Group[]> {
  const answer = await get(address(params));
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json().groups;
}

const keys: Record<Grouping, (claim: Claim) => string | null> = {
  month: ({ billablePeriod }) => billablePeriod.start.slice(0, 7),
  year: ({ billablePeriod }) => billablePeriod.start.slice(0, 4),
  type: ({ type }) => type,
  subType: ({ subType }) => subType ?? null,
  status: ({ status }) => status,
  payer: ({ insurer }) => insurer?.id ?? null,
  provider: ({ provider }) => provider?.id ?? null,
};

/** Texts by their bytes, null behind them. */
function compare(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** What the summary must be, found by looking at every claim. */
function expected(by: Grouping[], ...tests: ((claim: Claim) => boolean)[]): Group[] {
  const groups = new Map<string, Claim[]>();
  for (const claim of claims.filter((claim) => tests.every((test) => test(claim)))) {
    const key = JSON.stringify(by.map((name) => keys[name](claim)));
    groups.set(key, [...(groups.get(key) ?? []), claim]);
  }
  if (by.length === 0 && groups.size === 0) groups.set('[]', []);
  const sorted = [...groups].map(([key, of]) => ({ values: JSON.parse(key) as (string | null)[], of }));
  sorted.sort((a, b) => by.reduce((order, _, at) => order || compare(a.values[at] ?? null, b.values[at] ?? null), 0));
  const sum = (of: Claim[], name: 'charge' | 'allowed' | 'paid') =>
    addAmounts(of.map(({ total }) => total[name] ?? '0.00'));
  return sorted.map(({ values, of }) => ({
    ...Object.fromEntries(by.map((name, at) => [name, values[at] ?? null])),
    claims: of.length,
    charge: sum(of, 'charge'),
    allowed: sum(of, 'allowed'),
    paid: sum(of, 'paid'),
  }));
}

const from = (day: string) => (claim: Claim) => claim.billablePeriod.start >= day;
const to = (day: string) => (claim: Claim) => claim.billablePeriod.start <= day;
const second = new Set(claims.slice(120));

const filters: [string, string, (claim: Claim) => boolean][] = [
  ['patient', 'P1', (claim) => claim.patient.id === 'P1'],
  ['type', 'oral', (claim) => claim.type === 'oral'],
  ['subType', 'carrier', (claim) => claim.subType === 'carrier'],
  ['status', 'denied', (claim) => claim.status === 'denied'],
  ['provider', 'N2', (claim) => claim.provider?.id === 'N2'],
  ['payer', 'i1', (claim) => claim.insurer?.id === 'i1'],
  ['diagnosis', 'e119', (claim) => claim.diagnosis.some(({ code }) => searchCode(code) === 'E119')],
  ['procedure', '99213', (claim) => claim.item.some(({ productOrService }) => productOrService?.code === '99213')],
  ['serviceFrom', '2024-01-17', from('2024-01-17')],
  ['serviceTo', '2024-02-28', to('2024-02-28')],
  ['updatedSince', since, (claim) => second.has(claim)],
];

describe('the summary', () => {
  it('without a grouping is the count and the sums of all claims, to the cent', async () => {
    const [all] = expected([]);
    expect(await summary()).toEqual([all]);
    expect(BigInt(all?.charge.replace('.', '') ?? 0), 'cents that no float holds').toBeGreaterThan(2n ** 53n);
  });

  const pairs = groupings.flatMap((one, at) => groupings.slice(at).map((other) => [...new Set([one, other])]));
  it.each([...pairs, ['status', 'payer', 'month', 'subType'] as Grouping[], [...groupings].reverse()])(
    'by %s %s is what looking at every claim comes to, in order',
    async (...by) => {
      expect(await summary({ by: by.join(',') })).toEqual(expected(by));
    },
  );

  it('with any one or two filters is of the claims that fit', async () => {
    for (const [at, [name, value, test]] of filters.entries()) {
      expect(await summary({ by: 'year,subType', [name]: value }), name).toEqual(expected(['year', 'subType'], test));
      for (const [otherName, otherValue, otherTest] of filters.slice(at + 1)) {
        const params = { by: 'month,status', [name]: value, [otherName]: otherValue };
        expect(await summary(params), `${name} and ${otherName}`).toEqual(
          expected(['month', 'status'], test, otherTest),
        );
      }
    }
  });

  it('is of just the days between two, wherever in their months they lie', async () => {
    const edges = [...days, '2024-01-16', '2024-01-18', '2024-01-31', '2024-02-27', '2024-03-02', '2024-03-31'];
    for (const serviceFrom of edges) {
      expect(await summary({ serviceFrom, type: 'oral' }), `from ${serviceFrom}`).toEqual(
        expected([], from(serviceFrom), (claim) => claim.type === 'oral'),
      );
      expect(await summary({ serviceTo: serviceFrom, by: 'payer' }), `to ${serviceFrom}`).toEqual(
        expected(['payer'], to(serviceFrom)),
      );
      for (const serviceTo of edges) {
        expect(await summary({ serviceFrom, serviceTo }), `from ${serviceFrom} to ${serviceTo}`).toEqual(
          expected([], from(serviceFrom), to(serviceTo)),
        );
      }
    }
  });

  it('of no claims has no group, and without a grouping nothing and 0.00', async () => {
    expect(await summary({ by: 'type', payer: 'nobody' })).toEqual([]);
    const none = [{ claims: 0, charge: '0.00', allowed: '0.00', paid: '0.00' }];
    expect(await summary({ payer: 'nobody' })).toEqual(none);
    expect(await summary({ patient: 'nobody' })).toEqual(none);
  });

  it('is as the database stood then, where asked', async () => {
    const before = claims.slice(0, 120);
    expect(await summary({ by: 'type', asOf: since })).toEqual(expected(['type'], (claim) => before.includes(claim)));
    const moved = aClaim({ subType: 'moving', total: { charge: '1.00' } });
    await importClaims(url, [moved]);
    const [at] = await sql<{ at: Date }[]>`select clock_timestamp() as at`;
    await importClaims(url, [{ ...moved, status: 'denied', total: { charge: '2.00' } }]);
    const params = { by: 'status', subType: 'moving' };
    expect(await summary({ ...params, asOf: at?.at.toISOString() ?? '' })).toMatchObject([
      { status: 'paid', claims: 1, charge: '1.00' },
    ]);
    expect(await summary(params)).toEqual([
      { status: 'denied', claims: 1, charge: '2.00', allowed: '0.00', paid: '0.00' },
    ]);
    await importClaims(url, [{ ...moved, subType: 'carrier' }]);
    expect(await summary(params), 'a group that has no claim any more').toEqual([]);
    await expectTotalsExact(sql);
  });

  it('is kept by no shared cache', async () => {
    expect((await get('/api/claims/summary')).headers['cache-control']).toBe('private, no-cache');
  });
});

describe('what imports keep up to date', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['all claims', {}, true],
    ['months, types, sub-types, states and payers', { by: 'month,type,subType,status,payer' }, true],
    ['filters of these', { by: 'year', subType: 's', status: 'paid', payer: 'I' }, true],
    ['whole months', { serviceFrom: '1990-05-01', serviceTo: '1990-05-31' }, true],
    ['months of which some are whole', { serviceFrom: '1990-04-02', serviceTo: '1990-06-02' }, true],
    ['part of a month', { serviceFrom: '1990-05-02', serviceTo: '1990-05-31' }, false],
    ['providers', { by: 'month,provider' }, false],
    ['a provider', { provider: 'N1' }, false],
    ['a patient', { patient: 'P1' }, false],
    ['a diagnosis', { diagnosis: 'I10' }, false],
    ['a procedure', { procedure: '99213' }, false],
    ['changes', { updatedSince: since }, false],
    ['an earlier time', { asOf: since }, false],
  ])('answers about %s: %o %s', async (_what, params, isAnswered) => {
    const count = async () => (await summary(params)).reduce((sum, group) => sum + group.claims, 0);
    const before = await count();
    // Counts of claims that there are not, half of them folded.
    await changing(sql, async (tx) => {
      for (const table of ['claim_totals', 'claim_total_changes']) {
        await tx`insert into ${tx(table)} values ('1990-05-01', 'vision', 's', 'paid', 'I', 1000, 0, 0, 0)`;
      }
    });
    const after = await count();
    await changing(sql, async (tx) => {
      for (const table of ['claim_totals', 'claim_total_changes']) {
        await tx`delete from ${tx(table)} where payer_id = 'I'`;
      }
    });
    expect(after - before).toBe(isAnswered ? 2000 : 0);
  });
});

describe('a request is refused', () => {
  it.each([
    '',
    'month,',
    'months',
    'Month',
    'month, type',
    'patient',
    'type,type',
    'month,type,month',
    '__proto__',
    "type'",
  ])('that groups by %j, and the field is named', async (by) => {
    expectFault(await get(address({ by })), 'by');
  });

  it.each(['limit', 'cursor', 'sort', 'group'])('that has the unknown parameter %s', async (name) => {
    expectFault(await get(address({ [name]: '1' })), name);
  });

  it('that groups by two', async () => {
    expectFault(await get('/api/claims/summary?by=type&by=month'), 'by');
  });

  it.each([
    ['serviceFrom', '2024-02-30'],
    ['serviceTo', '0000-01-01'],
    ['updatedSince', 'yesterday'],
    ['asOf', 'yesterday'],
    ['type', 'dental'],
    ['payer', '\0'],
  ])('that has the %s %j', async (name, value) => {
    expectFault(await get(address({ [name]: value })), name);
  });

  it('without a token, and without the scope to read claims', async () => {
    expectProblem(await get('/api/claims/summary', null), 401);
    expectProblem(await get('/api/claims/summary', await token(['imports:read'])), 403);
  });

  it('that would have more groups than an answer may hold, and says what to do', async () => {
    await sql`
      insert into claim_total_changes
      select '2024-03-01', 'vision', 's', 'paid', 'many ' || n, 1, 0, 0, 0 from generate_series(1, 10000) n`;
    const answer = await get(address({ by: 'payer' }));
    await sql`delete from claim_total_changes`;
    expectFault(answer, 'by');
    expect(answer.json().detail).toContain('expected at most 10000 groups, found more; group by less, or narrow');
  });
});
