import { expect, it } from 'vitest';
import { applyEnding, applyReport, applySubmission, type Ending } from '../../src/claims/lifecycle.ts';
import type { Report, Submission } from '../../src/claims/messages.ts';
import { renderClaim } from '../../src/claims/render.ts';
import type { Claim } from '../../src/claims/schema.ts';
import { aClaim } from '../support/claims.ts';

const { source: _, ...claim } = aClaim({ status: 'submitted' });
const submission: Submission = { kind: 'submission', claim, date: '2026-01-01', frequency: '1' };
const report: Report = {
  kind: 'remittance',
  date: '2026-02-01',
  identifiers: [claim.identifier],
  draft: claim,
  status: 'paid',
  sets: { total: { charge: '100.00', paid: '80.00' } },
};
const ending: Ending = { status: 'cancelled', date: '2026-03-01', by: { system: 'urn:other', value: 'OTHER' } };

const steps: Record<string, (known: Claim | undefined) => Claim | undefined> = {
  submission: (known) => applySubmission(known, submission),
  report: (known) => applyReport(known, report, claim.identifier),
  ending: (known) => known && applyEnding(known, ending),
};

it.each([
  ['submission', 'ending', 'report'],
  ['report', 'submission', 'ending'],
  ['report', 'ending', 'submission'],
])('makes the same text of a claim whose messages come as %s, %s, %s', (...names) => {
  const after = (order: string[]) =>
    renderClaim(order.reduce<Claim | undefined>((known, name) => steps[name]?.(known), undefined) as Claim);
  expect(after(names).source).toBe(after(['submission', 'report', 'ending']).source);
  expect(after(names).document).toBe(after(['submission', 'report', 'ending']).document);
});

const remittance = (reference: string, status: Report['status'], charge: string, paid: string): Report => ({
  ...report,
  date: reference === 'FIRST' ? '2026-02-01' : '2026-03-01',
  reference,
  payerClaimNumber: 'PCN',
  status,
  sets: { total: { charge, paid } },
});
const first = remittance('FIRST', 'paid', '100.00', '70.00');
const reversal = remittance('SECOND', 'reversed', '-100.00', '-70.00');
const takenBack = (paid: string) => ({ ...remittance('THIRD', 'reversed', '-100.00', `-${paid}`), date: '2026-04-01' });
const corrected = (paid: string) => remittance('SECOND', 'paid', '100.00', paid);

it.each<[string, Report[], string, string]>([
  ['the reversal of what was paid', [first, reversal], 'reversed', '0.00'],
  ['a reversal and the correction', [first, reversal, corrected('80.00')], 'paid', '80.00'],
  ['a correction and the reversal', [first, corrected('80.00'), reversal], 'paid', '80.00'],
  ['a correction that pays the same and the reversal', [first, corrected('70.00'), reversal], 'paid', '70.00'],
  ['a correction and the reversal, of what is not known', [corrected('80.00'), reversal], 'paid', '80.00'],
  ['a payment and its reversal in one remittance', [corrected('70.00'), reversal], 'reversed', '0.00'],
  ['the later reversal of a correction', [first, corrected('80.00'), takenBack('80.00')], 'reversed', '0.00'],
  ['that of one that pays the same', [first, corrected('70.00'), takenBack('70.00')], 'reversed', '0.00'],
])('settles %s', (_, reports, status, paid) => {
  const settled = reports.reduce<Claim>(
    (known, each) => applyReport(known, each, claim.identifier) as Claim,
    applySubmission(undefined, submission),
  );
  expect([settled.status, settled.total.paid]).toEqual([status, paid]);
});
