import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { claimId } from '../../src/claims/identity.ts';
import { type Claim, ClaimSummary, claimStatuses, claimTypes } from '../../src/claims/schema.ts';
import { importClaims, type Query, testApp, withQuery } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';

const { get, sql, url } = await testApp();
const address = (query: Query) => withQuery('/api/claims', query);

const pick = <T>(values: readonly T[], index: number) => values[index % values.length] as T;
const count = 60;
// Half of them on one day, a quarter on the next; each field goes round at another pace.
const days = [
  '2024-03-18',
  '2024-02-29',
  '2024-03-18',
  '2024-03-19',
  '2023-12-31',
  '2024-03-18',
  '2024-03-18',
  '2024-03-19',
];
const codes = ['E11.9', 'e119', 'I10', 'Z79.4', 'V4581'];
const services = ['99213', 'J1100', 'j1100', 'G0008'];

const claims = Array.from({ length: count }, (_, index) => {
  const start = pick(days, index);
  return aClaim({
    identifier: { value: `C${index}` },
    type: pick(claimTypes, index),
    subType: pick(['inpatient', 'carrier', undefined, 'pde'], index),
    status: pick(claimStatuses, index),
    patient: { id: pick(['P1', 'P2', 'p1', 'P 3/\u00e9'], Math.floor(index / 3)) },
    provider: index % 6 === 5 ? undefined : { id: pick(['N1', 'N2', 'N3', 'N4', 'N5'], index) },
    insurer: index % 7 === 6 ? undefined : { id: pick(['I1', 'I2', 'I3'], Math.floor(index / 2)) },
    billablePeriod: { start, end: start },
    diagnosis: Array.from({ length: index % 3 }, (_, at) => ({
      sequence: at + 1,
      system: 'ICD-10-CM',
      code: pick(codes, index + at),
    })),
    procedure:
      index % 2 ? [{ sequence: 1, system: 'ICD-10-PCS', code: pick(['0DTJ4ZZ', '99213'], Math.floor(index / 2)) }] : [],
    item: [{ sequence: 1, productOrService: { system: 'HCPCS', code: pick(services, index) } }],
    total: { charge: `${index}.50` },
  });
});

// Three imports, so that the claims changed at three times.
for (let first = 0; first < count; first += 20) await importClaims(url, claims.slice(first, first + 20));

const rows = await sql<{ id: string; document: string; updatedAt: Date }[]>`
  select id, document, updated_at as "updatedAt" from claims`;
const updatedAt = new Map(rows.map((row) => [row.id, row.updatedAt]));
const times = [...new Set(rows.map((row) => row.updatedAt.getTime()))].sort();

const idOf = (claim: Claim) => claimId(claim.identifier);
const updateOf = (claim: Claim) => updatedAt.get(idOf(claim))?.getTime() ?? Number.NaN;
// Those of a day in the order in which they came.
const oldestFirst = claims.toSorted((a, b) => a.billablePeriod.start.localeCompare(b.billablePeriod.start));

interface Page {
  claims: (Claim & { id: string; lastUpdated: string })[];
  next: string | null;
}

async function list(params: Query): Promise<Page> {
  const answer = await get(address(params));
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json();
}

const idsOf = ({ claims }: Page) => claims.map((claim) => claim.id);

/** What the list must give, found by looking at every claim. */
const expected = (...tests: ((claim: Claim) => boolean)[]) =>
  oldestFirst.filter((claim) => tests.every((test) => test(claim))).map(idOf);

const code = (text: string) => text.replace('.', '').toUpperCase();
const hasDiagnosis = (wanted: string) => (claim: Claim) => claim.diagnosis.some((entry) => code(entry.code) === wanted);
const hasProcedure = (wanted: string) => (claim: Claim) =>
  [...claim.procedure, ...claim.item.map((item) => item.productOrService)].some(
    (entry) => code(entry?.code ?? '') === wanted,
  );

const filters: [string, string, (claim: Claim) => boolean][] = [
  ['patient', 'P1', (claim) => claim.patient.id === 'P1'],
  ['type', 'oral', (claim) => claim.type === 'oral'],
  ['subType', 'carrier', (claim) => claim.subType === 'carrier'],
  ['status', 'denied', (claim) => claim.status === 'denied'],
  ['provider', 'N2', (claim) => claim.provider?.id === 'N2'],
  ['payer', 'I3', (claim) => claim.insurer?.id === 'I3'],
  ['diagnosis', 'E11.9', hasDiagnosis('E119')],
  ['procedure', '99213', hasProcedure('99213')],
  ['serviceFrom', '2024-03-18', (claim) => claim.billablePeriod.start >= '2024-03-18'],
  ['serviceTo', '2024-03-18', (claim) => claim.billablePeriod.start <= '2024-03-18'],
  ['updatedSince', new Date(times[1] ?? 0).toISOString(), (claim) => updateOf(claim) >= (times[1] ?? 0)],
];
const otherFilters: typeof filters = [
  ['patient', 'P 3/\u00e9', (claim) => claim.patient.id === 'P 3/\u00e9'],
  ['patient', 'p1', (claim) => claim.patient.id === 'p1'],
  ['patient', "P1' or true --", () => false],
  ['patient', 'P%', () => false],
  ['type', 'vision', (claim) => claim.type === 'vision'],
  ['subType', 'unheard of', () => false],
  ['status', 'cancelled', (claim) => claim.status === 'cancelled'],
  ['diagnosis', 'E119', hasDiagnosis('E119')],
  ['diagnosis', 'e11.9', hasDiagnosis('E119')],
  ['diagnosis', 'e119', hasDiagnosis('E119')],
  ['diagnosis', 'V45.81', hasDiagnosis('V4581')],
  ['diagnosis', 'E11', () => false],
  ['diagnosis', '{E119,I10}', () => false],
  ['procedure', 'j1100', hasProcedure('J1100')],
  ['procedure', '0dtj4zz', hasProcedure('0DTJ4ZZ')],
  ['serviceFrom', '2024-03-20', () => false],
  ['serviceFrom', '0001-01-01', () => true],
  ['serviceTo', '9999-12-31', () => true],
  ['serviceTo', '2023-12-31', (claim) => claim.billablePeriod.start <= '2023-12-31'],
  ['updatedSince', new Date((times[2] ?? 0) + 1).toISOString(), () => false],
  ['updatedSince', '2000-01-01T00:00:00Z', () => true],
];

it('the claims of this test are found by each filter in part', () => {
  expect(times).toHaveLength(3);
  for (const [name, value, test] of filters) {
    expect(expected(test).length, `${name}=${value}`).toBeGreaterThan(0);
    expect(expected(test).length, `${name}=${value}`).toBeLessThan(count);
  }
});

describe('the list', () => {
  it('holds every claim, the newest day of service first', async () => {
    const page = await list({ limit: 1000 });
    expect(idsOf(page)).toEqual(expected().reverse());
    expect(page.next).toBeNull();
  });

  it('holds 25 claims a page unless told otherwise', async () => {
    expect(idsOf(await list({}))).toEqual(expected().reverse().slice(0, 25));
  });

  it.each<[string, string[]]>([
    ['serviceDate', expected()],
    ['-serviceDate', expected().reverse()],
  ])('is sorted by %s', async (sort, ids) => {
    expect(idsOf(await list({ sort, limit: 1000 }))).toEqual(ids);
  });

  it.each([...filters, ...otherFilters])('with %s=%s holds just the claims that fit', async (name, value, test) => {
    expect(idsOf(await list({ [name]: value, limit: 1000 }))).toEqual(expected(test).reverse());
    expect(idsOf(await list({ [name]: value, limit: 1000, sort: 'serviceDate' }))).toEqual(expected(test));
  });

  it('with any two filters holds just the claims that fit both', async () => {
    let found = 0;
    for (const [at, [name, value, test]] of filters.entries()) {
      for (const [otherName, otherValue, otherTest] of filters.slice(at + 1)) {
        const page = await list({ [name]: value, [otherName]: otherValue, limit: 1000 });
        expect(idsOf(page), `${name} and ${otherName}`).toEqual(expected(test, otherTest).reverse());
        found += page.claims.length;
      }
    }
    expect(found).toBeGreaterThan(100);
  });

  it('with every filter holds just the claims that fit all', async () => {
    const [claim] = claims
      .slice(21)
      .filter((claim) => claim.subType && claim.provider && claim.insurer && claim.diagnosis[0]);
    if (claim === undefined) throw new Error('no claim has every field');
    const params = {
      patient: claim.patient.id,
      type: claim.type,
      subType: claim.subType ?? '',
      status: claim.status,
      provider: claim.provider?.id ?? '',
      payer: claim.insurer?.id ?? '',
      diagnosis: claim.diagnosis[0]?.code ?? '',
      procedure: claim.item[0]?.productOrService?.code ?? '',
      serviceFrom: claim.billablePeriod.start,
      serviceTo: claim.billablePeriod.start,
      updatedSince: new Date(updateOf(claim)).toISOString(),
    };
    expect(Object.keys(params).sort()).toEqual(filters.map(([name]) => name).sort());
    expect(idsOf(await list(params))).toEqual([idOf(claim)]);
  });

  it('is empty where it ends before it begins', async () => {
    expect(await list({ serviceFrom: '2024-03-19', serviceTo: '2024-03-18' })).toEqual({ claims: [], next: null });
  });

  it('takes a time of any time zone', async () => {
    const local = new Date((times[1] ?? 0) + 7_200_000).toISOString().replace('Z', '+02:00');
    expect(idsOf(await list({ updatedSince: local, limit: 1000 }))).toEqual(
      expected((claim) => updateOf(claim) >= (times[1] ?? 0)).reverse(),
    );
  });

  it('since the time of the last change of a claim holds that claim', async () => {
    for (const { id, lastUpdated } of (await list({ limit: 1000 })).claims) {
      expect(idsOf(await list({ updatedSince: lastUpdated, limit: 1000 }))).toContain(id);
    }
  });
});

describe('paging', () => {
  const paths: [string, Query, string[]][] = [
    ['newest first', {}, expected().reverse()],
    ['oldest first', { sort: 'serviceDate' }, expected()],
    [
      'the claims of one day',
      { serviceFrom: '2024-03-18', serviceTo: '2024-03-18' },
      expected((claim) => claim.billablePeriod.start === '2024-03-18').reverse(),
    ],
    ['the claims of a patient', { patient: 'P1', sort: 'serviceDate' }, expected((claim) => claim.patient.id === 'P1')],
    ['the claims of a diagnosis', { diagnosis: 'e11.9' }, expected(hasDiagnosis('E119')).reverse()],
  ];

  it.each(paths)('%s with any limit gives each claim once and in order', async (_what, params, ids) => {
    for (let limit = 1; limit <= ids.length + 1; limit += 1) {
      const pages: string[][] = [];
      let next: string | null = '';
      while (next !== null) {
        const page: Page = await list({ ...params, limit, ...(next && { cursor: next }) });
        pages.push(idsOf(page));
        next = page.next;
        // Only the last page has no next, and it is never empty.
        expect(page.claims.length === limit || next === null, `limit ${limit}`).toBe(true);
        expect(pages.length).toBeLessThanOrEqual(Math.ceil(ids.length / limit));
      }
      expect(pages.flat(), `limit ${limit}`).toEqual(ids);
      expect(pages).toHaveLength(Math.ceil(ids.length / limit));
    }
  });

  it('can change the limit on its way', async () => {
    const first = await list({ limit: 7 });
    const second = await list({ limit: 11, cursor: first.next ?? '' });
    const third = await list({ limit: 1000, cursor: second.next ?? '' });
    expect([first, second, third].flatMap(idsOf)).toEqual(expected().reverse());
  });

  it('does not care in which order the filters are written', async () => {
    const first = await list({ type: 'oral', payer: 'I1', limit: 1 });
    const second = await list({ limit: 1000, cursor: first.next ?? '', payer: 'I1', type: 'oral' });
    expect([first, second].flatMap(idsOf)).toEqual(
      expected((claim) => claim.type === 'oral' && claim.insurer?.id === 'I1').reverse(),
    );
  });

  it('goes on where it was though the claim that it stopped at is of another day meanwhile', async () => {
    const [first, ...others] = ['2024-03-19', '2024-03-18', '2024-03-17'].map((start) =>
      aClaim({ patient: { id: 'moving' }, billablePeriod: { start, end: '2024-03-30' } }),
    ) as [Claim, ...Claim[]];
    await importClaims(url, [first, ...others]);
    const page = await list({ patient: 'moving', limit: 1 });
    await importClaims(url, [{ ...first, billablePeriod: { start: '2024-01-01', end: '2024-03-30' } }]);
    const rest = await list({ patient: 'moving', limit: 2, cursor: page.next ?? '' });
    expect([page, rest].flatMap(idsOf)).toEqual([first, ...others].map(idOf));
    await sql`delete from claims where patient_id = 'moving'`;
  });
});

it('has a claim that changes where it was among those of its day', async () => {
  const claims = Array.from({ length: 5 }, () => aClaim({ patient: { id: 'changing' } }));
  await importClaims(url, claims);
  await importClaims(url, [{ ...(claims[1] as Claim), status: 'denied' }]);
  const { claims: listed } = await list({ patient: 'changing', sort: 'serviceDate' });
  expect(listed.map(({ id }) => id)).toEqual(claims.map(idOf));
  expect(listed.filter(({ status }) => status === 'denied').map(({ id }) => id)).toEqual([idOf(claims[1] as Claim)]);
  await sql`delete from claims where patient_id = 'changing'`;
});

describe('an answer', () => {
  it('holds the documents as they are stored, byte for byte, with the time of their last change', async () => {
    const documents = await sql<{ document: string; updatedAt: Date }[]>`
      select document, updated_at as "updatedAt" from claims order by service_date desc, arrival desc`;
    const answer = await get('/api/claims?limit=1000');
    const text = documents.map(
      ({ document, updatedAt }) => `${document.slice(0, -1)},"lastUpdated":"${updatedAt.toISOString()}"}`,
    );
    expect(answer.body).toBe(`{"claims":[${text.join(',')}],"next":null}`);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  });

  it('is of the schema that is declared for it', async () => {
    const schema = Compile(ClaimSummary);
    const { claims } = await list({ limit: 1000 });
    expect(claims).toHaveLength(count);
    for (const claim of claims) expect([...schema.Errors(claim)], claim.id).toEqual([]);
  });

  it('has amounts as strings, with their cents', async () => {
    const { body } = await get('/api/claims?limit=1000');
    expect(body).toContain('"charge":"0.50"');
    expect(body).toContain('"paid":"800.00"');
    expect(body).not.toMatch(/"(?:charge|allowed|paid|amount|patientResponsibility)":[^"]/);
  });

  it('holds nothing of the source', async () => {
    expect((await get('/api/claims?limit=1000')).body).not.toContain('"source"');
  });

  it('is kept by no shared cache', async () => {
    expect((await get('/api/claims')).headers['cache-control']).toBe('private, no-cache');
  });
});
