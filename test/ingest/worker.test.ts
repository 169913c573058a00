import { afterEach, expect, it, vi } from 'vitest';
import { createWorkers, whileRequested } from '../../src/ingest/worker.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('a loading thread is told of requests', async () => {
  const entry = new URL(`data:text/javascript,
    import { parentPort, workerData } from 'node:worker_threads';
    const { requests } = workerData;
    const end = Date.now() + 2000;
    while (Atomics.load(requests, 0) < 3 && Date.now() < end);
    parentPort.postMessage(Atomics.load(requests, 0));`);
  const { load, requested } = createWorkers(entry, 'postgres://unused', { logLevel: 'silent', logFormat: 'json' });
  requested();
  const loaded = load({ files: [] }, new AbortController().signal);
  requested();
  requested();
  expect(await loaded).toBe(3);
});

it('a load gives way from a request until twenty milliseconds after the last', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
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
