import { expect, test } from 'vitest';
import { formatAmount } from '../../src/web/money.ts';

test.each([
  ['0.00', '0.00'],
  ['999.99', '999.99'],
  ['1000.00', '1,000.00'],
  ['-1234567.50', '-1,234,567.50'],
  ['-100.00', '-100.00'],
  ['999999999999.99', '999,999,999,999.99'],
  ['90071992547409931234.01', '90,071,992,547,409,931,234.01'],
  ['12', '12'],
])('writes %s as %s', (amount, written) => {
  expect(formatAmount(amount)).toBe(written);
});

test('leaves what is no amount as it is', () => {
  expect(formatAmount('n/a')).toBe('n/a');
});
