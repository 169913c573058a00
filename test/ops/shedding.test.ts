import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/log.ts';
import { createShedding } from '../../src/ops/shedding.ts';

const capacity = 8;
const turnMs = 10;
/** Requests that are not answered yet. */
const atWork: { url: string | undefined; response: ServerResponse }[] = [];
/** The share of its time for which the process works. */
let utilization = 0;

let server: Server;
beforeEach(() => serve(60_000));

async function serve(connectionTimeout: number): Promise<void> {
  // Time goes on, and so turns are taken, where a test says so.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  utilization = 0;
  performance.eventLoopUtilization = () => ({ utilization, idle: 0, active: 0 });
  const { serverFactory } = createShedding({
    capacity,
    log: createLogger({ logLevel: 'error', logFormat: 'json' }),
    count: () => {},
  });
  server = serverFactory(({ url }, response) => atWork.push({ url, response }), { connectionTimeout });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

function close() {
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
  atWork.length = 0;
}
afterEach(close);

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
  for (const status of await Promise.all(usual)) expect(status).toBe(200);
  return again;
}

/** How busy the process is, and who is let in of three who wait: who began to wait last, as many as there is ample room for. */
const letIn = [
  { working: 0.3, isLetIn: ['/second', '/third'] },
  { working: 0.7, isLetIn: ['/third'] },
  { working: 0.95, isLetIn: [] },
];
it.each(letIn)('lets $isLetIn.length in of those who wait where it works $working of its time', async (given) => {
  const again = await overload(['first', 'second', 'third']);
  utilization = given.working;
  vi.advanceTimersByTime(turnMs);
  const turnedAway = again.length - given.isLetIn.length;
  expect(await Promise.all(again.slice(0, turnedAway))).toEqual(Array(turnedAway).fill(503));
  await untilAtWork(given.isLetIn.length);
  expect(urls().sort()).toEqual(given.isLetIn);
  answerAll();
  expect(await Promise.all(again.slice(turnedAway))).toEqual(given.isLetIn.map(() => 200));
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

it('ends a connection that has its answer, and on which nothing more comes', async () => {
  close();
  await serve(300);
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const ended = once(socket.resume(), 'end');
  socket.write('GET /only HTTP/1.1\r\nHost: x\r\n\r\n');
  await untilAtWork(1);
  answerAll();
  await ended;
});
