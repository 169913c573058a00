import { describe, expect, it } from 'vitest';
import { parseAmount } from '../../src/claims/amount.ts';

describe('an amount is read', () => {
  it.each([
    ['0', '0.00'],
    ['1', '1.00'],
    ['1.', '1.00'],
    ['1.5', '1.50'],
    ['1234.50', '1234.50'],
    ['.5', '0.50'],
    ['-.50', '-0.50'],
    ['+7', '7.00'],
    ['0012.00', '12.00'],
    ['000', '0.00'],
    ['-0', '0.00'],
    ['-0.00', '0.00'],
    ['-.0', '0.00'],
    ['-0.01', '-0.01'],
    ['1.2300000', '1.23'],
    ['0.1', '0.10'],
    ['999999999999.99', '999999999999.99'],
    ['-999999999999.99', '-999999999999.99'],
    ['0000999999999999.99', '999999999999.99'],
  ])('%j as %j', (text, amount) => {
    expect(parseAmount(text)).toBe(amount);
  });

  it('as itself where it is canonical', () => {
    for (const text of ['0.00', '-12.34', '100000.01', '999999999999.99']) expect(parseAmount(text)).toBe(text);
  });
});

describe('an amount is refused that', () => {
  it.each([
    ['is empty', ''],
    ['is a sign', '-'],
    ['is a point', '.'],
    ['is a sign and a point', '+.'],
    ['has thirteen digits before the point', '1000000000000'],
    ['has a fraction of a cent', '1.005'],
    ['has a very small fraction of a cent', '1.000000001'],
    ['has two points', '1.2.3'],
    ['has two signs', '--1'],
    ['has the sign behind', '1-'],
    ['is written with an exponent', '1e3'],
    ['has separators', '1,234.50'],
    ['has a currency', '$1'],
    ['has spaces', ' 1'],
    ['ends with a line break', '1\n'],
    ['is hexadecimal', '0x10'],
    ['is not finite', 'Infinity'],
    ['is not a number', 'NaN'],
    ['is of digits that are not ASCII', '\u0661\u0662'],
  ])('%s', (_what, text) => {
    expect(parseAmount(text)).toBeUndefined();
  });
});

it('a long text is refused without being searched', () => {
  // By a pattern that tries each way to part the zeros, these would take hours.
  for (const text of [`${'0'.repeat(3_000_000)}x`, `1.${'0'.repeat(3_000_000)}x`, '9'.repeat(3_000_000)]) {
    expect(parseAmount(text)).toBeUndefined();
  }
});
