import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/log.ts';
import { createShedding } from '../../src/ops/shedding.ts';

const capacity = 4;
/** Requests that are not answered yet. */
const atWork: { url: string | undefined; response: ServerResponse }[] = [];
const { serverFactory } = createShedding({
  capacity,
  log: createLogger({ logLevel: 'error', logFormat: 'json' }),
  count: () => {},
});
const server = serverFactory(({ url }, response) => atWork.push({ url, response }), {});

beforeAll(async () => {
  // Nobody is turned away again, which would happen every hundredth of a second.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(() => {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
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

const answerOne = () => atWork.shift()?.response.end();
const urls = () => atWork.map(({ url }) => url);

/** Not vi.waitFor, which would have the faked timers go on. */
async function untilAtWork(count: number): Promise<void> {
  while (atWork.length < count) await sleep(2);
}

it('gives the place that becomes free to who began to wait last', async () => {
  const usual = Array.from({ length: capacity }, () => client()('/usual'));
  await untilAtWork(capacity);
  const waiting: Promise<number | undefined>[] = [];
  for (const name of ['first', 'second', 'third']) {
    const ask = client();
    expect(await ask(`/${name}`)).toBe(503);
    waiting.push(ask(`/${name}`));
  }
  for (let count = 0; count < capacity; count += 1) answerOne();
  expect(await Promise.all(usual)).toEqual([200, 200, 200, 200]);
  for (const name of ['third', 'second', 'first']) {
    await untilAtWork(1);
    expect(urls()).toEqual([`/${name}`]);
    answerOne();
  }
  expect(await Promise.all(waiting)).toEqual([200, 200, 200]);
});
