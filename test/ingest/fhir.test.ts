import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { Claim } from '../../src/claims/schema.ts';
import { anEob, claims, read, rejects } from '../support/fhir.ts';

describe('an ExplanationOfBenefit', () => {
  it('becomes a claim with its identifiers, parties, codes and exact amounts', async () => {
    const [claim] = claims(await read(JSON.stringify(anEob(), null, 2)));
    expect(claim).toMatchObject({
      identifier: { system: 'urn:payer', value: 'C1' },
      type: 'professional',
      status: 'paid',
      patient: { id: 'p1' },
      insurer: { id: 'payer', name: 'A Payer' },
      provider: { id: '1234567893', npi: '1234567893' },
      diagnosis: [{ sequence: 1, system: 'ICD-10-CM', code: 'E11.9' }],
      item: [
        { productOrService: { system: 'HCPCS', code: '99213' }, diagnosis: ['E11.9'], charge: '100.10', paid: '80.00' },
      ],
      total: { charge: '100.10', paid: '80.00' },
    });
    expect(Compile(Claim).Check(claim)).toBe(true);
  });

  it('has the number that is of type uc, also without a system and behind others', async () => {
    const identifier = [
      { system: 'urn:control', value: 'K1' },
      { type: { coding: [{ code: 'uc' }] }, value: 'C7' },
    ];
    const [claim] = claims(await read(JSON.stringify(anEob({ identifier, meta: { source: 'NCH' } }))));
    expect(claim?.identifier).toEqual({ system: 'NCH', value: 'C7' });
    expect(claim?.otherIdentifier).toEqual([{ type: 'urn:control', system: 'urn:control', value: 'K1' }]);
  });

  it.each([
    ['http://hl7.org/fhir/sid/icd-9-cm', 'ICD-9-PCS'],
    ['http://hl7.org/fhir/sid/icd-10', 'ICD-10-PCS'],
    ['http://www.cms.gov/Medicare/Coding/ICD9', 'ICD-9-PCS'],
    ['http://snomed.info/sct', 'SNOMED CT'],
  ])('has procedures of %s as %s', async (system, name) => {
    const procedure = [{ sequence: 1, procedureCodeableConcept: { coding: [{ system, code: '1' }] } }];
    const [claim] = claims(await read(JSON.stringify(anEob({ procedure }))));
    expect(claim?.procedure).toEqual([{ sequence: 1, system: name, code: '1' }]);
  });

  it('may have dates of a year or a month: a period begins with its first day and ends with its last', async () => {
    const dates = { created: '2024', billablePeriod: { start: '2024-02', end: '2024-02' } };
    const [claim] = claims(await read(JSON.stringify(anEob(dates))));
    expect(claim?.billablePeriod).toEqual({ start: '2024-02-01', end: '2024-02-29' });
    expect(claim?.created).toBeUndefined();
    const [year] = claims(await read(JSON.stringify(anEob({ billablePeriod: { start: '2023', end: '2023' } }))));
    expect(year?.billablePeriod).toEqual({ start: '2023-01-01', end: '2023-12-31' });
  });

  it('keeps all of the resource under source, numbers as they were written', async () => {
    const text = JSON.stringify(anEob())
      .replace('100.1}', '100.10}')
      .replace('"id":"e1"', '"id":"e1","big":12345678901234567890');
    const [claim] = claims(await read(text));
    expect(claim?.source).toMatchObject({ big: '12345678901234567890', contained: [{ name: 'A Payer' }] });
    expect(JSON.stringify(claim?.source)).toContain('"100.10"');
    expect(claim?.total.charge).toBe('100.10');
  });

  it.each([
    ['cancelled', { status: 'cancelled' }, 'cancelled'],
    ['of an error', { outcome: 'error' }, 'rejected'],
    ['queued', { outcome: 'queued' }, 'pending'],
    [
      'not the final action',
      {
        meta: { tag: [{ system: 'https://bluebutton.cms.gov/fhir/CodeSystem/Final-Action', code: 'NotFinalAction' }] },
      },
      'replaced',
    ],
    [
      'denied',
      {
        adjudication: [
          { category: { coding: [{ code: 'benefitpaymentstatus' }] }, reason: { coding: [{ code: 'denied' }] } },
        ],
      },
      'denied',
    ],
  ])('that is %s has that status', async (_, overrides, status) => {
    expect(claims(await read(JSON.stringify(anEob(overrides))))).toMatchObject([{ status }]);
  });

  it.each([
    [
      'an amount that no double holds',
      JSON.stringify(anEob()).replace('100.1', '1e400'),
      'item[0].adjudication[0].amount.value',
    ],
    [
      'a fraction of a cent',
      JSON.stringify(anEob()).replace('100.1', '100.105'),
      'item[0].adjudication[0].amount.value',
    ],
    [
      'a day of no calendar',
      JSON.stringify(anEob({ billablePeriod: { start: '2024-02-30' } })),
      'billablePeriod.start',
    ],
    [
      'another currency',
      JSON.stringify(anEob({ payment: { amount: { value: 1, currency: 'EUR' } } })),
      'payment.amount.currency',
    ],
    ['no patient', JSON.stringify(anEob({ patient: {} })), 'patient'],
    ['no type that is known', JSON.stringify(anEob({ type: {} })), 'type'],
    ['no date at all', JSON.stringify(anEob({ billablePeriod: undefined, item: [] })), 'billablePeriod'],
  ])('with %s is a reject that names the element and quotes nothing', async (_, text, field) => {
    const found = rejects(await read(text));
    expect(found).toMatchObject([{ position: 1, claim: 'C1', field }]);
    expect(found[0]?.reason).not.toMatch(/1e400|100\.105|2024-02-30/);
  });
});

describe('a resource as Synthea writes it', () => {
  const variables = 'https://bluebutton.cms.gov/resources/variables';
  const adjudication = (variable: string, value: number) => ({
    category: {
      coding: [
        { system: 'https://bluebutton.cms.gov/resources/codesystem/adjudication', code: `${variables}/${variable}` },
      ],
    },
    amount: { value, currency: 'USD' },
  });
  const serviced = { start: '2024-04-18T00:43:48-05:00', end: '2024-04-18T01:16:00-05:00' };
  const resource = anEob({
    identifier: [{ system: `${variables}/clm_id`, value: 'S1' }],
    patient: { reference: 'urn:uuid:p-1' },
    insurer: { display: 'A Payer' },
    provider: { reference: 'Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999900001' },
    diagnosis: [{ sequence: 1, diagnosisReference: { reference: 'urn:uuid:c-1' } }],
    item: [
      { sequence: 1, servicedPeriod: serviced },
      {
        sequence: 2,
        servicedPeriod: serviced,
        adjudication: [
          adjudication('line_coinsrnc_amt', 36.246),
          adjudication('line_prvdr_pmt_amt', 144.984),
          adjudication('line_sbmtd_chrg_amt', 181.23),
          adjudication('line_alowd_chrg_amt', 181.23),
        ],
      },
    ],
    total: [{ category: { coding: [{ code: 'submitted' }] }, amount: { value: 247.2, currency: 'USD' } }],
    payment: { amount: { value: 144.98400000000001, currency: 'USD' } },
  });

  it('is taken with its exact amounts; shares of a fraction of a cent stand under source, with a warning', async () => {
    const result = await read(JSON.stringify(resource));
    expect(rejects(result)).toEqual([]);
    expect(result.entries).toMatchObject([
      { claim: { total: { charge: '247.20' } } },
      { warning: { position: 1, claim: 'S1', field: 'item[1].adjudication[0].amount.value' } },
    ]);
    const [claim] = claims(result);
    expect(claim?.item[1]).toMatchObject({ charge: '181.23', allowed: '181.23' });
    expect(claim?.item[1]?.paid).toBeUndefined();
    expect(claim?.payment).toBeUndefined();
    expect(JSON.stringify(claim?.source)).toContain('144.984');
  });

  it('names its provider by the identifier of a conditional reference, and its payer by what is displayed', async () => {
    const [claim] = claims(await read(JSON.stringify(resource)));
    expect(claim?.provider).toEqual({ id: '9999900001', npi: '9999900001' });
    expect(claim?.insurer).toEqual({ id: 'A Payer', name: 'A Payer' });
  });

  it('has the diagnosis of the condition in its Bundle', async () => {
    const code = { coding: [{ system: 'http://snomed.info/sct', code: '44054006' }] };
    const condition = { fullUrl: 'urn:uuid:c-1', resource: { resourceType: 'Condition', id: 'c-1', code } };
    const bundle = { resourceType: 'Bundle', entry: [{ resource }, condition] };
    for (const text of [JSON.stringify(bundle), JSON.stringify(bundle, null, 1), `${JSON.stringify(bundle)}\n{}\n`]) {
      expect(claims(await read(text))[0]?.diagnosis).toEqual([{ sequence: 1, system: 'SNOMED CT', code: '44054006' }]);
    }
  });

  it('has the exact payment as what was paid where nothing else says it', async () => {
    const [claim] = claims(await read(JSON.stringify({ ...resource, payment: { amount: { value: 80.1 } } })));
    expect(claim).toMatchObject({ total: { paid: '80.10' }, payment: { amount: '80.10' } });
  });
});

describe('references', () => {
  const bundleOf = (...entry: object[]) => JSON.stringify({ resourceType: 'Bundle', entry });

  it('within a Bundle tell resources of the same id apart by their type', async () => {
    const npi = [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }];
    const text = bundleOf(
      { resource: { resourceType: 'Patient', id: '1', birthDate: '1970-01-01', name: [{ family: 'Doe' }] } },
      {
        resource: { resourceType: 'Practitioner', id: '1', identifier: npi, name: [{ family: 'Roe', given: ['Ann'] }] },
      },
      { resource: { resourceType: 'Organization', id: '1', name: 'A Payer' } },
      {
        resource: anEob({
          patient: { reference: 'Patient/1' },
          provider: { reference: 'Practitioner/1' },
          insurer: { reference: 'https://server/fhir/Organization/1/_history/3' },
        }),
      },
    );
    expect(claims(await read(text))).toMatchObject([
      {
        patient: { id: '1', birthDate: '1970-01-01', name: { family: 'Doe' } },
        provider: { id: '1234567893', name: 'Ann Roe' },
        insurer: { id: '1', name: 'A Payer' },
      },
    ]);
  });

  it('within a Bundle may name the address of the entry, which need not end in the id', async () => {
    const text = bundleOf(
      { fullUrl: 'urn:uuid:aaa', resource: { resourceType: 'Patient', id: '77', birthDate: '1970-01-01' } },
      { resource: anEob({ patient: { reference: 'urn:uuid:aaa' } }) },
    );
    expect(claims(await read(text))).toMatchObject([{ patient: { id: '77', birthDate: '1970-01-01' } }]);
  });

  it('to a contained patient give the identifier, since the id is of this resource alone', async () => {
    const contained = [{ resourceType: 'Patient', id: 'pat', identifier: [{ value: 'M-1' }], gender: 'male' }];
    const [claim] = claims(await read(JSON.stringify(anEob({ contained, patient: { reference: '#pat' } }))));
    expect(claim?.patient).toEqual({ id: 'M-1', gender: 'male' });
  });
});
