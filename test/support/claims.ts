import { randomUUID } from 'node:crypto';
import type { Claim } from '../../src/claims/schema.ts';

/** Parts to be put in place of the defaults; `undefined` takes an optional field away. */
type Overrides<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: Overrides<T[K]> | undefined }
    : T;

/**
 * A claim that has every field of the schema. Objects are merged with the defaults, arrays and `source` replace them.
 * Each call makes another claim, unless the identifier is given.
 */
export function aClaim(overrides: Overrides<Claim> = {}): Claim {
  const claim = merge(defaults(), overrides) as Claim;
  return overrides.source ? { ...claim, source: overrides.source } : claim;
}

const defaults = (): Claim => ({
  identifier: { system: 'urn:test', value: randomUUID() },
  otherIdentifier: [{ type: 'medical-record-number', system: 'urn:test:mrn', value: 'MRN1' }],
  type: 'professional',
  subType: 'carrier',
  use: 'claim',
  status: 'paid',
  statusCode: [{ category: 'A2', status: '20', entity: '85', date: '2024-03-19' }],
  created: '2024-03-20',
  patient: {
    system: 'urn:test:patient',
    id: 'P1',
    name: { family: 'Doe', given: 'Jane' },
    birthDate: '1950-02-28',
    gender: 'female',
  },
  subscriber: { id: 'S1', name: { family: 'Doe', given: 'John' }, relationship: '01' },
  insurer: { id: '31143', name: 'Test Payer' },
  related: [{ relationship: 'replaces', system: 'urn:test', value: 'earlier' }],
  provider: { id: '9999283093', npi: '9999283093', name: 'Test Clinic' },
  careTeam: [{ role: 'referring', id: '9999283094' }],
  billablePeriod: { start: '2024-03-18', end: '2024-03-19' },
  diagnosis: [{ sequence: 1, type: 'principal', system: 'ICD-10-CM', code: 'E11.9', onAdmission: 'Y' }],
  procedure: [{ sequence: 1, system: 'ICD-10-PCS', code: '0DTJ4ZZ', date: '2024-03-18' }],
  supportingInfo: [
    {
      category: 'ms-drg',
      system: 'MS-DRG',
      code: '470',
      period: { start: '2024-03-18', end: '2024-03-19' },
      value: 'as billed',
    },
  ],
  item: [
    {
      sequence: 1,
      servicedPeriod: { start: '2024-03-18', end: '2024-03-18' },
      revenue: '0250',
      productOrService: { system: 'HCPCS', code: '99213' },
      modifier: ['25'],
      location: '11',
      bodySite: '8',
      subSite: ['M'],
      quantity: '1',
      unit: 'UN',
      drug: { system: 'NDC', code: '00026063512', quantity: '10', unit: 'ML' },
      controlNumber: 'L1',
      reported: true,
      diagnosis: ['E11.9'],
      provider: '9999283095',
      charge: '1234.50',
      allowed: '1000.00',
      paid: '800.00',
      adjudication: [{ category: 'coinsurance', amount: '200.00' }],
      remark: [{ system: 'RARC', code: 'M15' }],
    },
  ],
  adjudication: [
    { category: 'deductible', amount: '0.00' },
    { category: 'adjustment', group: 'CO', reason: { system: 'CARC', code: '45' }, amount: '34.50', quantity: '1' },
  ],
  remark: [{ system: 'RARC', code: 'MA01' }],
  insurance: [
    {
      responsibility: 'primary',
      insurer: { id: 'P9', name: 'Other Payer' },
      subscriber: 'S9',
      group: 'G9',
      paid: '10.00',
      adjudication: [{ category: 'adjustment', group: 'PR', reason: { system: 'CARC', code: '1' }, amount: '5.00' }],
      item: [
        {
          sequence: 1,
          paid: '10.00',
          date: '2024-03-19',
          adjudication: [
            { category: 'adjustment', group: 'CO', reason: { system: 'CARC', code: '42' }, amount: '3.00' },
          ],
        },
      ],
    },
  ],
  total: { charge: '1234.50', allowed: '1000.00', paid: '800.00', patientResponsibility: '200.00' },
  imbalance: [{ line: 1, charge: '1234.50', adjustments: '34.50', paid: '800.00', difference: '400.00' }],
  payment: { identifier: 'CHK1', amount: '800.00', date: '2024-04-02' },
  source: { NCH_CLM_TYPE_CD: '71' },
});

function merge(base: unknown, overrides: unknown): unknown {
  if (!isObject(base) || !isObject(overrides)) return overrides;
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(overrides)) {
    if (value === undefined) delete merged[name];
    else merged[name] = merge(base[name], value);
  }
  return merged;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
