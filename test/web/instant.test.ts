import { expect, test } from 'vitest';
import { formatInstant, fromLocalInput, toLocalInput } from '../../src/web/instant.ts';

// The assertions hold in any time zone: they go from the local time to the instant and back.
test.each(['2026-01-05T08:30', '2026-07-31T23:59:07', '0987-03-01T00:00'])(
  'gives %s back after turning it into an instant',
  (local) => {
    expect(toLocalInput(fromLocalInput(local))).toBe(local);
  },
);

test('turns a local time into an RFC 3339 instant', () => {
  expect(fromLocalInput('2026-01-05T08:30')).toMatch(/^2026-01-0[456]T\d\d:\d\d:00Z$/);
});

test('has nothing for what is no instant', () => {
  expect(toLocalInput('yesterday')).toBe('');
  expect(fromLocalInput('')).toBe('');
});

test('shows an instant to the minute, and what is none as it is', () => {
  expect(formatInstant(fromLocalInput('2026-01-05T08:30:59'))).toBe('2026-01-05 08:30');
  expect(formatInstant('yesterday')).toBe('yesterday');
});
