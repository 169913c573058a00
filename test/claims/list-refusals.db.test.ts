import { describe, expect, it } from 'vitest';
import { Cursors } from '../../src/claims/cursor.ts';
import { claimId } from '../../src/claims/identity.ts';
import { cursorSecret } from '../../src/claims/queries.ts';
import { expectFault, importClaims, type Query, testApp, withQuery } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';

const { get, sql, url } = await testApp();
const address = (query: Query) => withQuery('/api/claims', query);

// Two of each, so that a page of one has a next.
await importClaims(
  url,
  [0, 1].map((index) =>
    aClaim({
      identifier: { value: `C${index}` },
      patient: { id: 'P1' },
      provider: { id: 'N1' },
      insurer: { id: 'I1' },
    }),
  ),
);

/** A value of each that the list takes. */
const filters: Record<string, string> = {
  patient: 'P1',
  type: 'oral',
  subType: 'carrier',
  status: 'denied',
  provider: 'N2',
  payer: 'I3',
  diagnosis: 'E11.9',
  procedure: '99213',
  serviceFrom: '2024-03-18',
  serviceTo: '2024-03-18',
  updatedSince: '2024-03-18T00:00:00Z',
};

describe('a request is refused, and the field named, that', () => {
  const others: Record<string, string> = { limit: '5', cursor: 'x', sort: 'serviceDate' };
  const texts = ['patient', 'subType', 'provider', 'payer', 'diagnosis', 'procedure'];

  it.each([
    '0',
    '-1',
    '1e9',
    '1001',
    'x',
    '2.5',
    '',
    'NaN',
    'Infinity',
    '1,000',
    '99999999999999999999',
    'null',
    'true',
  ])('has the limit %j', async (limit) => {
    expectFault(await get(address({ limit })), 'limit');
  });

  it.each([...Object.keys(others), ...Object.keys(filters)])('has two of %s', async (name) => {
    const pair = new URLSearchParams({ [name]: { ...others, ...filters }[name] ?? '' });
    expectFault(await get(`/api/claims?${pair}&${pair}`), name);
  });

  it.each(['patients', 'Patient', 'offset', 'page', 'id', '__proto__', 'constructor', 'serviceDate', 'patient[]'])(
    'has the unknown filter %s',
    async (name) => {
      expectFault(await get(address({ [name]: '1' })), name);
    },
  );

  it.each<[string, string]>([
    ['sort', 'patient'],
    ['sort', ''],
    ['type', 'dental'],
    ['type', 'Oral'],
    ['status', 'unpaid'],
    ['serviceFrom', '2023-02-29'],
    ['serviceFrom', '2024-13-01'],
    ['serviceFrom', '0000-01-01'],
    ['serviceFrom', '2024-1-1'],
    ['serviceFrom', '2024-01-01T00:00:00Z'],
    ['serviceFrom', 'yesterday'],
    ['serviceTo', '2024-04-31'],
    ['serviceTo', '0000-12-31'],
    ['serviceTo', '-infinity'],
    ['serviceTo', '12024-01-01'],
    ['updatedSince', '2024-01-01'],
    ['updatedSince', '2024-01-01T00:00:00'],
    ['updatedSince', '2023-02-29T00:00:00Z'],
    ['updatedSince', '0000-01-01T00:00:00Z'],
    ['updatedSince', '2024-01-01T24:00:00Z'],
    ['updatedSince', 'now'],
  ])('has %s=%j', async (name, value) => {
    expectFault(await get(address({ [name]: value })), name);
  });

  it.each(texts)('has an empty or very long %s', async (name) => {
    for (const length of [0, 101, 10_000]) expectFault(await get(address({ [name]: 'x'.repeat(length) })), name);
  });

  it('names every field that is wrong', async () => {
    const answer = await get(address({ limit: 0, type: 'x', patients: 'x' }));
    const fields = answer.json().errors.map(({ field }: { field: string }) => field);
    expect(fields.sort()).toEqual(['limit', 'patients', 'type']);
  });

  const nextOf = async (params: Query): Promise<string> => {
    const { next } = (await get(address({ limit: 1, ...params }))).json();
    expect(next).toEqual(expect.any(String));
    return next;
  };
  const good = () => nextOf({});
  const place = { serviceDate: '2024-03-18', arrival: '1' };
  it.each<[string, () => Promise<Query>]>([
    ['made up', async () => ({ cursor: 'x' })],
    ['empty', async () => ({ cursor: '' })],
    ['very long', async () => ({ cursor: (await good()).repeat(200) })],
    ['cut short', async () => ({ cursor: (await good()).slice(0, -2) })],
    [
      'changed at its start',
      async () => ({ cursor: (await good()).replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) }),
    ],
    [
      'signed by another secret',
      async () => ({ cursor: new Cursors(Buffer.from('x')).encode(place, '["-serviceDate"]') }),
    ],
    [
      'of an import',
      async () => ({
        cursor: Buffer.from(`2024-01-01T00:00:00Z ${claimId(aClaim().identifier)}`).toString('base64url'),
      }),
    ],
    ['of the other sort', async () => ({ cursor: await good(), sort: 'serviceDate' })],
    ['of other filters', async () => ({ cursor: await good(), patient: 'P1' })],
    ['of a filter that is gone', async () => ({ cursor: await nextOf({ patient: 'P1' }) })],
    ['of another value of the filter', async () => ({ cursor: await nextOf({ patient: 'P1' }), patient: 'P2' })],
    ['of another filter with the value', async () => ({ cursor: await nextOf({ provider: 'N1' }), payer: 'N1' })],
  ])('has a cursor that is %s', async (_what, params) => {
    expectFault(await get(address(await params())), 'cursor');
  });

  it('has none of these faults: the cursors above are good where they belong', async () => {
    const signed = new Cursors(await cursorSecret(sql)).encode(place, '["-serviceDate"]');
    for (const cursor of [await good(), signed]) {
      expect(await get(address({ cursor }))).toMatchObject({ statusCode: 200 });
    }
  });
});

describe('what PostgreSQL cannot take is no failure of the service:', () => {
  const texts = [
    'patient',
    'subType',
    'provider',
    'payer',
    'diagnosis',
    'procedure',
    'cursor',
    'sort',
    'type',
    'limit',
  ];
  it.each([...texts, 'serviceFrom', 'updatedSince'])('a NUL character in %s', async (name) => {
    for (const value of ['%00', 'a%00b']) {
      const answer = await get(`/api/claims?${name}=${value}`);
      if (answer.statusCode === 200) expect(answer.json()).toEqual({ claims: [], next: null });
      else expectFault(answer, name);
    }
  });

  it.each(['%ff', '%c3%28', '%ed%a0%80', '%', '%zz', '%5c', "'", '"', '%7b%22', '%f0%9f%98%80', '%0a'])(
    '%s in a filter',
    async (value) => {
      for (const name of texts.slice(0, 6)) {
        const answer = await get(`/api/claims?${name}=${value}`);
        expect([200, 400], `${name}: ${answer.body}`).toContain(answer.statusCode);
      }
    },
  );

  it.each([
    '2024-01-01T00:00:00+23:59',
    '2024-01-01T00:00:00-23:59',
    '2024-01-01T00:00:00+15:59',
    '2016-12-31T23:59:60Z',
    '0001-01-01T00:00:00+14:00',
    '9999-12-31T23:59:59-14:00',
    '2024-01-01t00:00:00z',
    '2024-01-01 00:00:00Z',
    '2024-01-01\n00:00:00Z',
    '2024-01-01\u00a000:00:00Z',
    '2024-01-01T00:00:00.1Z',
    '2024-01-01T00:00:00.123456789Z',
    '2024-01-01T00:00:00+0100',
    '2024-01-01T00:00:00+01',
    `2024-01-01T00:00:00.${'1'.repeat(1000)}Z`,
  ])('updatedSince=%j', async (updatedSince) => {
    const answer = await get(address({ updatedSince }));
    if (answer.statusCode !== 200) expectFault(answer, 'updatedSince');
  });
});
