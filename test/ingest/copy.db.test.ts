import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ClaimRow } from '../../src/claims/render.ts';
import { RowStore, storedText } from '../../src/ingest/copy.ts';
import { clearStaged, copyStaged, prepare } from '../../src/ingest/queries.ts';
import { amount, optional } from '../support/arbitrary-claims.ts';
import { testDatabase } from '../support/database.ts';

const { sql } = await testDatabase();
await prepare(sql);

const importId = '0189abcd-ef01-4234-8678-9abcdef01234';

/** Short and long ones, of ASCII up to some place. */
const text = fc
  .tuple(fc.string({ maxLength: 40 }), fc.string({ maxLength: 20, unit: 'binary' }))
  .map((parts) => parts.join('').replaceAll('\0', '0'))
  .filter((value) => value.isWellFormed());
const digits = (length: number) =>
  fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length }).map((all) => all.join(''));
const uuid = digits(32).map((hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
const day = fc
  .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const texts = fc.array(text, { maxLength: 3 });

const claimRow: fc.Arbitrary<ClaimRow> = fc.record({
  id: uuid,
  identifierSystem: text,
  identifierValue: text,
  type: text,
  subType: optional(text),
  status: text,
  patientId: text,
  providerId: optional(text),
  payerId: optional(text),
  serviceDate: day,
  serviceDateEnd: day,
  charge: optional(amount),
  allowed: optional(amount),
  paid: optional(amount),
  patientResponsibility: optional(amount),
  diagnoses: texts,
  procedures: texts,
  document: text,
  source: optional(text),
  hash: digits(32),
  payerClaimNumber: optional(text),
  message: optional(text),
});

/** Numbers the rows, as the database gives them back in any order. */
async function expectCopied(unnumbered: ClaimRow[]): Promise<void> {
  const rows = unnumbered.map((row, index) => ({ ...row, identifierValue: String(index).padStart(4, '0') }));
  const store = new RowStore(importId);
  await clearStaged(sql);
  await copyStaged(
    sql,
    rows.map((row) => store.add(row)),
    () => false,
  );
  store.free();
  const found = await sql<{ row: unknown }[]>`
    select json_build_object('id', id, 'identifierSystem', identifier_system, 'identifierValue', identifier_value,
      'type', type, 'subType', sub_type, 'status', status, 'patientId', patient_id, 'providerId', provider_id,
      'payerId', payer_id, 'serviceDate', service_date, 'serviceDateEnd', service_date_end, 'charge', charge::text,
      'allowed', allowed::text, 'paid', paid::text, 'patientResponsibility', patient_responsibility::text,
      'diagnoses', diagnoses, 'procedures', procedures, 'document', document, 'source', source,
      'hash', encode(hash, 'hex'), 'payerClaimNumber', payer_claim_number, 'message', message,
      'importId', import_id) as row
    from staged_claims order by identifier_value`;
  const orNull = (row: ClaimRow) => Object.entries(row).map(([name, value]) => [name, value ?? null]);
  expect(found.map(({ row }) => row)).toEqual(rows.map((row) => ({ ...Object.fromEntries(orNull(row)), importId })));
}

it('the database holds what the rows do', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(claimRow, { minLength: 1, maxLength: 20 }), async (rows) => {
      await expectCopied(rows);
    }),
    { numRuns: 100 },
  );
});

it.each(['0001-01-01', '1600-02-29', '1899-12-31', '1900-03-01', '2000-02-29', '2000-03-01', '9999-12-31'])(
  '%s is the same day in the database',
  async (serviceDate) => {
    const row = { ...(fc.sample(claimRow, 1)[0] as ClaimRow), serviceDate };
    await expectCopied([row]);
  },
);

it.each(['0.00', '-0.01', '0.09', '1.00', '9999.99', '10000.00', '99999999.99', '100000000.00', '-999999999999.99'])(
  '%s is the same amount in the database',
  async (charge) => {
    const row = { ...(fc.sample(claimRow, 1)[0] as ClaimRow), charge };
    await expectCopied([row]);
  },
);

it('rows that go on behind the end of a block, or are longer than one, are whole', async () => {
  const [row] = fc.sample(claimRow, 1) as [ClaimRow];
  const rows = [
    ...Array.from({ length: 400 }, (_, index) => ({ ...row, document: 'ü'.repeat(index * 20) })),
    ...Array.from({ length: 400 }, (_, index) => ({ ...row, diagnoses: Array(index).fill('é'.repeat(index % 20)) })),
    { ...row, document: 'ü'.repeat(2_000_000) },
    row,
  ];
  await expectCopied(rows);
});

it('document and source are read back from a row', () => {
  fc.assert(
    fc.property(claimRow, (row) => {
      expect(storedText(new RowStore(importId).add(row))).toEqual({
        document: row.document,
        source: row.source ?? null,
      });
    }),
  );
});
