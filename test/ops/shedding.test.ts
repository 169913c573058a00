import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/log.ts';
import { createShedding } from '../../src/ops/shedding.ts';

const capacity = 4;
const turnMs = 10;
/** Requests that are not answered yet. */
const atWork: { url: string | undefined; response: ServerResponse }[] = [];
/** The share of its time for which the process works. */
let utilization = 0;

let server: Server;
beforeEach(async () => {
  // Time goes on, and so turns are taken, where a test says so.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  utilization = 0;
  performance.eventLoopUtilization = () => ({ utilization, idle: 0, active: 0 });
  const { serverFactory } = createShedding({
    capacity,
    log: createLogger({ logLevel: 'error', logFormat: 'json' }),
    count: () => {},
  });
  server = serverFactory(({ url }, response) => atWork.push({ url, response }), {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
  atWork.length = 0;
});

/** A client of one connection. */
function client() {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { port } = server.address() as AddressInfo;
  return async (path: string): Promise<number | undefined> => {
    const [response] = (await once(request({ port, path, agent }).end(), 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.statusCode;
  };
}

const urls = () => atWork.map(({ url }) => url);
const answerAll = () => {
  for (const { response } of atWork.splice(0)) response.end();
};

/** Not vi.waitFor, which would have the faked timers go on. */
async function untilAtWork(count: number): Promise<void> {
  while (atWork.length < count) await sleep(2);
}

/** Fills the service, and has others ask who are turned away and at once ask again. Their second answers are returned. */
async function overload(names: string[]): Promise<Promise<number | undefined>[]> {
  const usual = Array.from({ length: capacity }, () => client()('/usual'));
  await untilAtWork(capacity);
  const again: Promise<number | undefined>[] = [];
  for (const name of names) {
    const ask = client();
    expect(await ask(`/${name}`)).toBe(503);
    again.push(ask(`/${name}`));
  }
  answerAll();
  expect(await Promise.all(usual)).toEqual([200, 200, 200, 200]);
  return again;
}

it('gives the place that became free to who began to wait last, and turns the others away again', async () => {
  const [first, second, third] = await overload(['first', 'second', 'third']);
  vi.advanceTimersByTime(turnMs);
  expect(await Promise.all([first, second])).toEqual([503, 503]);
  await untilAtWork(1);
  expect(urls()).toEqual(['/third']);
  answerAll();
  expect(await third).toBe(200);
});

it('lets nobody in who waited while the process has no time left, however few requests are at work', async () => {
  const [waited] = await overload(['waited']);
  utilization = 0.95;
  vi.advanceTimersByTime(turnMs);
  expect(await waited).toBe(503);
  expect(urls()).toEqual([]);
});

it('lets in again at once who asks when Retry-After told', async () => {
  const usual = Array.from({ length: capacity }, () => client()('/usual'));
  await untilAtWork(capacity);
  const ask = client();
  expect(await ask('/early')).toBe(503);
  utilization = 0.95;
  vi.advanceTimersByTime(turnMs);
  answerAll();
  await Promise.all(usual);
  vi.advanceTimersByTime(500);
  expect(await ask('/early')).toBe(503);
  vi.advanceTimersByTime(1000);
  const answer = ask('/in-time');
  await untilAtWork(1);
  answerAll();
  expect(await answer).toBe(200);
});
