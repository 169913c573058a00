import { expect, test } from 'vitest';
import { firstPage, pageAfter, pageBefore, pageNumber, restorePosition } from '../../src/web/paging.ts';

const third = pageAfter(pageAfter(firstPage, 'b'), 'c');

test('goes on to the page that the service named', () => {
  expect(third).toEqual({ cursor: 'c', earlier: ['', 'b'] });
});

test('goes back page by page to the first, and not further', () => {
  const second = pageBefore(third);
  expect(second).toEqual({ cursor: 'b', earlier: [''] });
  expect(second && pageBefore(second)).toEqual(firstPage);
  expect(pageBefore(firstPage)).toBeUndefined();
});

test('numbers pages from one', () => {
  expect(pageNumber(firstPage)).toBe(1);
  expect(pageNumber(third)).toBe(3);
});

test('has no number and no way back in the middle of a list, only a way on', () => {
  const linked = restorePosition('c', undefined);
  expect(pageNumber(linked)).toBeUndefined();
  expect(pageBefore(linked)).toBeUndefined();
  expect(pageAfter(linked, 'd')).toEqual({ cursor: 'd', earlier: undefined });
});

test('takes up the way that a history entry remembers', () => {
  expect(restorePosition('c', ['', 'b'])).toEqual(third);
});

test('is on the first page wherever there is no cursor', () => {
  expect(restorePosition('', ['', 'b'])).toEqual(firstPage);
});

test.each([[null], ['b'], [[]], [['b']], [['', 7]], [{ length: 1 }]])('does not trust %j as a way back', (earlier) => {
  expect(restorePosition('c', earlier)).toEqual({ cursor: 'c', earlier: undefined });
});
