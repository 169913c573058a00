import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { whileRequested } from '../../src/ingest/worker.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('a load gives way from a request until twenty milliseconds after the last', () => {
  const requests = new Int32Array(new SharedArrayBuffer(4));
  Atomics.store(requests, 0, 7);
  const givesWay = whileRequested(requests);
  expect(givesWay()).toBe(false);
  for (const _ of [1, 2]) {
    Atomics.add(requests, 0, 1);
    expect(givesWay()).toBe(true);
    vi.advanceTimersByTime(19);
    expect(givesWay()).toBe(true);
  }
  vi.advanceTimersByTime(1);
  expect(givesWay()).toBe(false);
});
