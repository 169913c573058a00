import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { claimId } from '../../src/claims/identity.ts';
import { Fault, renderClaim } from '../../src/claims/render.ts';
import { Claim } from '../../src/claims/schema.ts';
import { aClaim } from '../support/claims.ts';

const identifier = { system: 'urn:test', value: 'A1' };
const parse = (claim: Claim) => JSON.parse(renderClaim(claim).document);

/** The same claim with every object's properties in the opposite order. */
function reversed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reversed) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, part]) => [name, reversed(part)])
      .reverse(),
  ) as T;
}

function faultOf(claim: Claim): Fault {
  try {
    renderClaim(claim);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('expected a fault, found a row');
}

describe('the document', () => {
  it('is the claim, with its id before it and without its source', () => {
    const claim = aClaim();
    const { source, ...fields } = claim;
    expect(source).toBeDefined();
    expect(parse(claim)).toEqual({ id: claimId(fields.identifier), ...fields });
  });

  it('stands in the order of the schema, however the claim is ordered', () => {
    const claim = aClaim();
    const names = Object.keys(Claim.properties).filter((name) => name !== 'source');
    const document = renderClaim(reversed(claim)).document;
    expect(Object.keys(JSON.parse(document))).toEqual(['id', ...names]);
    expect(Object.keys(JSON.parse(document).item[0])).toEqual(Object.keys(Claim.properties.item.items.properties));
    expect(document).toBe(renderClaim(claim).document);
  });

  it('keeps amounts as they are', () => {
    const total = { charge: '999999999999.99', allowed: '0.10', paid: '-1234.50', patientResponsibility: '100.00' };
    expect(parse(aClaim({ total })).total).toEqual(total);
    expect(renderClaim(aClaim({ total }))).toMatchObject(total);
  });

  it('keeps codes as they are written', () => {
    const claim = aClaim({ diagnosis: [{ sequence: 1, system: 'ICD-10-CM', code: 'e11.9' }] });
    expect(parse(claim).diagnosis[0].code).toBe('e11.9');
  });

  it('leaves out what is not given', () => {
    const claim = aClaim({ subType: undefined, provider: undefined, patient: { name: undefined } });
    expect(parse({ ...claim, subType: undefined } as never)).not.toHaveProperty('subType');
    expect(renderClaim(claim)).toMatchObject({ subType: undefined, providerId: undefined });
    expect(parse(claim).patient).not.toHaveProperty('name');
  });

  it('reads back as a claim of the schema', () => {
    const { id: _, ...fields } = parse(aClaim());
    expect(Compile(Claim).Check(fields)).toBe(true);
  });
});

describe('the columns', () => {
  it('are what is searched, sorted and summed', () => {
    const claim = aClaim({
      identifier,
      type: 'oral',
      subType: 'dental',
      status: 'denied',
      patient: { id: 'P9' },
      provider: { id: 'N9' },
      insurer: { id: 'I9' },
      billablePeriod: { start: '2024-01-02', end: '2024-01-03' },
      total: { charge: '4.00', allowed: '3.00', paid: '2.00', patientResponsibility: '1.00' },
    });
    expect(renderClaim(claim)).toMatchObject({
      id: claimId(identifier),
      identifierSystem: 'urn:test',
      identifierValue: 'A1',
      type: 'oral',
      subType: 'dental',
      status: 'denied',
      patientId: 'P9',
      providerId: 'N9',
      payerId: 'I9',
      serviceDate: '2024-01-02',
      serviceDateEnd: '2024-01-03',
      charge: '4.00',
      allowed: '3.00',
      paid: '2.00',
      patientResponsibility: '1.00',
    });
  });

  it('hold each diagnosis once, without its dot and in capitals', () => {
    const codes = ['E11.9', 'e119', 'E119', 'v45.81', '250.00'];
    const diagnosis = codes.map((code, index) => ({ sequence: index + 1, system: 'ICD-10-CM', code }));
    expect(renderClaim(aClaim({ diagnosis })).diagnoses).toEqual(['E119', 'V4581', '25000']);
  });

  it('hold the procedures of the claim and the services of its items, each once', () => {
    const claim = aClaim({
      procedure: [
        { sequence: 1, system: 'ICD-10-PCS', code: '0dtj4zz' },
        { sequence: 2, system: 'ICD-9-PCS', code: '47.01' },
      ],
      item: [
        { sequence: 1, productOrService: { system: 'HCPCS', code: 'j1100' } },
        { sequence: 2, revenue: '0250' },
        { sequence: 3, productOrService: { system: 'HCPCS', code: 'J1100' } },
        { sequence: 4, productOrService: { system: 'ICD-9-PCS', code: '4701' } },
      ],
    });
    expect(renderClaim(claim).procedures).toEqual(['0DTJ4ZZ', '4701', 'J1100']);
  });

  it('hold no codes where the claim has none', () => {
    expect(renderClaim(aClaim({ diagnosis: [], procedure: [], item: [] }))).toMatchObject({
      diagnoses: [],
      procedures: [],
    });
  });

  it.each<[string, Claim['source'] | undefined]>([
    ['no source', undefined],
    ['an empty source', {}],
  ])('hold no source where there is %s', (_what, source) => {
    expect(renderClaim({ ...aClaim({ source: undefined }), ...(source && { source }) }).source).toBeUndefined();
  });

  it('hold the source as it is', () => {
    const source = { b: '1', a: { deep: ['x', 1, null, true] } };
    expect(renderClaim(aClaim({ source })).source).toBe(JSON.stringify(source));
  });
});

describe('the hash', () => {
  const hashOf = (claim: Claim) => renderClaim(claim).hash;
  const claim = aClaim({ identifier });

  it('is equal for equal claims, whatever their order', () => {
    const { source, ...fields } = claim;
    expect(hashOf({ ...reversed(fields), source: source as object } as Claim)).toBe(hashOf(claim));
    expect(hashOf(aClaim({ identifier }))).toBe(hashOf(claim));
    expect(hashOf(claim)).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each<[string, Claim]>([
    ['a cent', aClaim({ identifier, total: { paid: '800.01' } })],
    ['the status', aClaim({ identifier, status: 'denied' })],
    ['a field that is gone', aClaim({ identifier, created: undefined })],
    ['a field in the depth', aClaim({ identifier, supportingInfo: [{ category: 'ms-drg', code: '471' }] })],
    ['the source', aClaim({ identifier, source: { NCH_CLM_TYPE_CD: '72' } })],
    ['a source that is gone', aClaim({ identifier, source: undefined })],
    [
      'the way a code is written',
      aClaim({ identifier, diagnosis: [{ sequence: 1, system: 'ICD-10-CM', code: 'E119' }] }),
    ],
  ])('differs with %s', (_what, other) => {
    expect(hashOf(other)).not.toBe(hashOf(claim));
  });
});

describe('a day that no calendar has is a fault', () => {
  const day = '2023-02-29';
  const period = { start: '2023-01-01', end: day };
  it.each<[string, Claim]>([
    ['billablePeriod.start', aClaim({ billablePeriod: { start: day, end: '2023-03-01' } })],
    ['billablePeriod.end', aClaim({ billablePeriod: period })],
    ['created', aClaim({ created: day })],
    ['patient.birthDate', aClaim({ patient: { birthDate: day } })],
    ['payment.date', aClaim({ payment: { date: day } })],
    [
      'procedure[1].date',
      aClaim({
        procedure: [
          { sequence: 1, system: 'x', code: '1' },
          { sequence: 2, system: 'x', code: '2', date: day },
        ],
      }),
    ],
    ['item[1].servicedPeriod.end', aClaim({ item: [{ sequence: 1 }, { sequence: 2, servicedPeriod: period }] })],
    [
      'item[0].servicedPeriod.start',
      aClaim({ item: [{ sequence: 1, servicedPeriod: { start: day, end: '2023-03-01' } }] }),
    ],
    ['supportingInfo[0].period.end', aClaim({ supportingInfo: [{ category: 'x', period }] })],
  ])('in %s', (field, claim) => {
    expect(faultOf(claim)).toMatchObject({ field, reason: expect.stringContaining('yyyy-mm-dd') });
    expect(faultOf(claim).message).not.toContain(day);
  });

  it.each(['0000-01-01', '2024-13-01', '2024-00-10', '2024-04-31'])('as %s is', (start) => {
    expect(faultOf(aClaim({ billablePeriod: { start, end: '9999-12-31' } })).field).toBe('billablePeriod.start');
  });
});

describe('a period that ends before it starts is a fault', () => {
  const period = { start: '2024-03-02', end: '2024-03-01' };
  it.each<[string, Claim]>([
    ['billablePeriod', aClaim({ billablePeriod: period })],
    ['item[0].servicedPeriod', aClaim({ item: [{ sequence: 1, servicedPeriod: period }] })],
    ['supportingInfo[0].period', aClaim({ supportingInfo: [{ category: 'x', period }] })],
  ])('in %s', (field, claim) => {
    expect(faultOf(claim)).toMatchObject({ field: `${field}.end`, reason: `expected a day not before ${field}.start` });
  });

  it('and one of a single day is none', () => {
    const day = '2024-02-29';
    expect(renderClaim(aClaim({ billablePeriod: { start: day, end: day } })).serviceDate).toBe(day);
  });
});

describe('text', () => {
  const faulty = 'expected text without NUL characters and without halves of surrogate pairs';
  const bad: [string, string][] = [
    ['a NUL character', 'a\0b'],
    ['the first half of a surrogate pair', 'a\ud83d'],
    ['the second half of a surrogate pair', '\ude00b'],
    ['the halves in the wrong order', '\ude00\ud83d'],
    ['a NUL character behind a backslash', '\\\0'],
    ['a NUL character behind two backslashes', '\\\\\0'],
    ['a NUL character behind its own escape as text', '\\u0000\0'],
  ];
  it.each(bad)('with %s is a fault of the claim', (_what, text) => {
    expect(faultOf(aClaim({ insurer: { name: text } }))).toMatchObject({ field: 'claim', reason: faulty });
    expect(faultOf(aClaim({ identifier: { value: text } }))).toMatchObject({ field: 'claim', reason: faulty });
  });

  it.each(bad)('with %s is a fault of the source', (_what, text) => {
    expect(faultOf(aClaim({ source: { deep: [text] } }))).toMatchObject({ field: 'source', reason: faulty });
    expect(faultOf(aClaim({ source: { [text]: 1 } }))).toMatchObject({ field: 'source', reason: faulty });
  });

  it.each([
    ['a backslash before u0000', '\\u0000'],
    ['two backslashes before u0000', '\\\\u0000'],
    ['a backslash before ud800', 'C:\\ud800'],
    ['a surrogate pair', '\u{1f600}'],
    ['other control characters', '\u0001\t\n\r\u001f\u007f'],
    ['line separators', '\u2028\u2029'],
    ['quotes', `"'`],
  ])('with %s is kept', (_what, text) => {
    const row = renderClaim(aClaim({ insurer: { name: text }, source: { text } }));
    expect(JSON.parse(row.document).insurer.name).toBe(text);
    expect(JSON.parse(row.source ?? '')).toEqual({ text });
  });
});
