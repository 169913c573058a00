import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatSeconds } from '../src/quantity.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1,000'],
  [123_456, '123,456'],
  [1_203_344, '1,203,344'],
])('groups the digits of the count %d', (count, grouped) => {
  expect(formatCount(count)).toBe(grouped);
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [99_949, '99.9 kB'],
  [99_950, '100 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [98_765_432, '98.8 MB'],
  [5_000_000_000_000_000, '5000 TB'],
])('writes %d bytes as %s', (bytes, written) => {
  expect(formatBytes(bytes)).toBe(written);
});

test.each([
  [0, '0.0 s'],
  [0.04, '< 0.1 s'],
  [9.94, '9.9 s'],
  [9.96, '10 s'],
  [59.6, '1 min 00 s'],
  [75.2, '1 min 15 s'],
  [3600, '1 h 00 min'],
  [7385, '2 h 03 min'],
])('writes %d seconds as %s', (seconds, written) => {
  expect(formatSeconds(seconds)).toBe(written);
});
