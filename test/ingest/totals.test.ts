import { expect, it } from 'vitest';
import { addAmounts, centsOf, fromCents } from '../../src/claims/amount.ts';
import { renderClaim } from '../../src/claims/render.ts';
import { RowStore } from '../../src/ingest/copy.ts';
import { AddedTotals } from '../../src/ingest/totals.ts';
import { aClaim } from '../support/claims.ts';

it.each(['0.00', '0.01', '-0.01', '-0.00', '0.29', '1.15', '1234.50', '999999999999.99', '-999999999999.99'])(
  '%s is that many cents, and back',
  (amount) => {
    expect(fromCents(BigInt(centsOf(amount)))).toBe(amount.replace('-0.00', '0.00'));
  },
);

it('new claims are counted by kind, to the cent also where no float holds the sum', () => {
  const amounts = ['999999999999.99', '-0.01', '0.02', '999999999999.98'];
  const charges = Array.from({ length: 401 }, (_, index) => amounts[index % amounts.length] as string);
  const store = new RowStore('00000000-0000-4000-8000-000000000001');
  const rows = charges.map((charge) => store.add(renderClaim(aClaim({ total: { charge, allowed: undefined } }))));
  const negative = store.add(renderClaim(aClaim({ insurer: undefined, total: { charge: '-5.00', paid: undefined } })));
  const totals = new AddedTotals();
  totals.add(rows.slice(0, 200));
  totals.add([...rows.slice(200), negative]);
  const kind = { month: '2024-03-01', type: 'professional', subType: 'carrier', status: 'paid' };
  expect(totals.changes()).toEqual([
    { ...kind, payerId: '31143', claims: 401, charge: addAmounts(charges), allowed: '0.00', paid: '320800.00' },
    { ...kind, payerId: undefined, claims: 1, charge: '-5.00', allowed: '1000.00', paid: '0.00' },
  ]);
});
