import { once } from 'node:events';
import { connect } from 'node:net';
import Fastify from 'fastify';
import { afterAll, expect, it } from 'vitest';
import { bodyTimeout } from '../../src/ops/body-timeout.ts';

const app = Fastify();
await app.register(bodyTimeout, { bodySeconds: 0.2, restSeconds: 0.2 });
app.post('/short', async () => 'read');
app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
app.post('/long', { config: { longBody: true } }, async ({ body }) => {
  for await (const _chunk of body as AsyncIterable<Buffer>);
  return 'read';
});
app.post('/unread', { config: { longBody: true } }, async () => 'answered');
const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
afterAll(() => app.close());

/** Sends the first bytes of a body, and after a time the rest where there is one. Returns what came until the end. */
async function send(path: string, type: string, rest?: { afterMs: number }): Promise<string> {
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
    if (received.includes('read')) socket.end();
  });
  const closed = once(socket, 'close');
  socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: 4\r\n\r\n"a`);
  if (rest) setTimeout(() => socket.write('b"'), rest.afterMs);
  await closed;
  return received;
}

it('ends a connection whose body takes too long', async () => {
  expect(await send('/short', 'application/json')).toBe('');
});

it('leaves one alone whose body comes in time', async () => {
  expect(await send('/short', 'application/json', { afterMs: 50 })).toContain('200 OK');
});

it('leaves a route alone that takes long bodies', async () => {
  expect(await send('/long', 'application/octet-stream', { afterMs: 600 })).toContain('200 OK');
});

it('lets an answer be read that came before the end of the body, and then ends the connection', async () => {
  expect(await send('/unread', 'application/octet-stream')).toMatch(/200 OK.*answered/s);
});
