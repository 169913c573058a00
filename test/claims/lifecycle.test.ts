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
