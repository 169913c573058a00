import { expect, test } from 'vitest';
import { claimStatuses, claimTypes } from '../../src/claims/schema.ts';
import { choices, cleanFilters } from '../../src/web/filters.ts';

test('offers every type and status that a claim can have', () => {
  expect(choices.type).toEqual([...claimTypes]);
  expect(choices.status).toEqual([...claimStatuses]);
});

test('keeps trimmed values and leaves out the empty ones', () => {
  const typed = { patient: ' 17 ', status: '', provider: '   ' } as Record<string, string>;
  expect(cleanFilters((name) => typed[name])).toEqual({ patient: '17' });
});

test('puts filters into one order, whatever order they came in', () => {
  const typed = { updatedSince: 'c', status: 'b', patient: 'a' } as Record<string, string>;
  expect(Object.keys(cleanFilters((name) => typed[name]))).toEqual(['patient', 'status', 'updatedSince']);
});
