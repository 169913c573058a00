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

/** What happens where so many clients connect together, each of which takes so long to come in. */
async function connectTogether(msToComeIn: number): Promise<string[]> {
  const events: string[] = [];
  const server = createServer();
  server.on('connection', () => {
    events.push('connected');
    vi.advanceTimersByTime(msToComeIn);
  });
  const takeIn = afterConnections(server, (_request, response) => {
    events.push('asked');
    queueMicrotask(() => {
      events.push('answered');
      response.end();
    });
  });
  server.on('request', takeIn);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = Array.from({ length: clients }, async () => {
    const [answer] = await once(get({ host: '127.0.0.1', port, agent: false }), 'response');
    answer.resume();
  });
  await Promise.all(asked);
  server.close();
  return events;
}

const repeated = (...events: string[]) => Array.from({ length: clients }, () => events).flat();

it('lets all in who connect together before one of them is answered, each to the end before the next', async () => {
  expect(await connectTogether(0)).toEqual([...repeated('connected'), ...repeated('asked', 'answered')]);
});

it('keeps nobody waiting for more than twenty milliseconds of connections', async () => {
  const events = await connectTogether(5);
  expect(events.indexOf('answered')).toBeLessThan(clients);
  expect(events.sort()).toEqual(repeated('connected', 'asked', 'answered').sort());
});
