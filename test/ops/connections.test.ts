import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { afterConnections } from '../../src/ops/connections.ts';

const clients = 30;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** How many of the clients that connect together are in when the first of them is answered, where each takes so long to come in. */
async function inBeforeTheFirstAnswer(msToComeIn: number): Promise<number> {
  let opened = 0;
  const openedAtAnswer: number[] = [];
  const server = createServer();
  const answer = afterConnections(server, (_request, response) => {
    openedAtAnswer.push(opened);
    response.end();
  });
  server.on('request', answer);
  server.on('connection', () => {
    opened += 1;
    vi.advanceTimersByTime(msToComeIn);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = Array.from({ length: clients }, async () => {
    const [answer] = await once(get({ host: '127.0.0.1', port, agent: false }), 'response');
    answer.resume();
  });
  await Promise.all(asked);
  server.close();
  expect(openedAtAnswer).toHaveLength(clients);
  return openedAtAnswer[0] as number;
}

it('lets all in who connect together before one of them is answered', async () => {
  expect(await inBeforeTheFirstAnswer(0)).toBe(clients);
});

it('keeps nobody waiting for more than twenty milliseconds of connections', async () => {
  expect(await inBeforeTheFirstAnswer(5)).toBeLessThan(clients);
});
