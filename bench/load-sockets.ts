import { connect } from 'node:net';
import type { Asked } from './load.ts';
import { faultOf } from './load-answer.ts';
import type { Record } from './load-record.ts';

/** One answer of so many is read, not only counted. */
const readOneOf = 50;
const patienceMs = 60_000;
const blankLine = Buffer.from('\r\n\r\n');

/**
 * Asks over sockets, one request at a time on each. It takes from the service less of what two cores have than autocannon
 * 9.0 does, which parses answers in JavaScript: 16 µs of a core for an answer of 1.6 kB against 19 µs, and 22 µs for one
 * of 38 kB against 40 µs, when a constant was asked for.
 */
export async function askBySockets(asked: Asked, paths: string[], record: Record): Promise<void> {
  const { port, tokens, connections, headers = {}, statuses = [200] } = asked;
  const further = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { promise, resolve } = Promise.withResolvers<void>();
  let opened = 0;

  const open = (number: number) => {
    const tail =
      ` HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
      `Authorization: Bearer ${tokens[number % tokens.length]}\r\n${further.join('')}\r\n`;
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let closed = false;
    let path = '';
    let sent = 0;
    let asks = number;
    /** Of the answer that is under way: its beginning while its head is not whole, then how much of it is missing. */
    let begun: Buffer | undefined;
    let missing = -1;
    let status = 0;
    let last = false;
    let body: Buffer[] | undefined;

    const ask = () => {
      path = paths[Math.floor(Math.random() * paths.length)] as string;
      asks += 1;
      body = asked.body !== undefined && asks % readOneOf === 0 ? [] : undefined;
      sent = performance.now();
      socket.write(`GET ${path}${tail}`, 'latin1');
    };
    const close = (reason?: string) => {
      if (closed) return;
      closed = true;
      if (reason !== undefined && !record.ended()) record.wrong(`${path}: ${reason}`);
      socket.destroy();
      opened -= 1;
      if (opened === 0) resolve();
    };

    opened += 1;
    socket.on('connect', ask);
    socket.setTimeout(patienceMs, () => close('no answer'));
    socket.on('error', (error) => close(error.message));
    socket.on('end', () => close('the connection was closed'));
    socket.on('data', (chunk: Buffer) => {
      let content = chunk;
      if (missing < 0) {
        const all = begun === undefined ? chunk : Buffer.concat([begun, chunk]);
        const end = all.indexOf(blankLine);
        if (end < 0) {
          begun = all;
          return;
        }
        begun = undefined;
        const head = all.toString('latin1', 0, end);
        status = Number(head.slice(9, 12));
        missing = status === 304 ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? -1);
        if (missing < 0) return close(`an answer without Content-Length: ${head}`);
        last = /^connection: close/im.test(head);
        if (status === 503 && !/^retry-after:/im.test(head)) record.wrong(`${path}: 503 without Retry-After`);
        content = all.subarray(end + blankLine.length);
      }
      missing -= content.length;
      body?.push(content);
      if (missing > 0) return;
      if (missing < 0) return close('more bytes than Content-Length says');
      record.answered(status, performance.now() - sent);
      missing = -1;
      if (!statuses.includes(status)) record.wrong(`${path}: ${status}`);
      else if (body !== undefined && asked.body !== undefined && status === 200) {
        const fault = faultOf(Buffer.concat(body).toString(), path, asked.body);
        if (fault !== undefined) record.wrong(`${path}: ${fault}`);
      }
      if (record.ended()) return close();
      if (!last) return ask();
      opened += 1; // Not the last one, though this one is closed.
      close();
      opened -= 1;
      open(number);
    });
  };

  for (let number = 0; number < connections; number += 1) open(number);
  await promise;
}
