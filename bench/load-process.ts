/**
 * Asks over sockets of its own, one request at a time on each. Not autocannon, which parses answers in JavaScript and
 * on two cores takes from the service what it needs itself.
 */

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Asked, Loaded } from './load.ts';

/** One answer of so many is read, not only counted. */
const readOneOf = 50;
const maxErrors = 5;
const blankLine = Buffer.from('\r\n\r\n');
const patienceMs = 60_000;

const read = new Map<string, string[]>();

process.on('message', (asked: Asked) => {
  run(asked).then(
    (loaded) => process.send?.(loaded),
    (error) => {
      throw error;
    },
  );
});
process.on('disconnect', () => process.exit());

function pathsOf(file: string): string[] {
  let paths = read.get(file);
  if (paths === undefined) {
    paths = readFileSync(file, 'utf8').trimEnd().split('\n');
    read.set(file, paths);
  }
  return paths;
}

async function run(asked: Asked): Promise<Loaded> {
  const { port, tokens, connections, seconds = Infinity, answers = Infinity, warmUpSeconds = 0.5, window } = asked;
  const paths = pathsOf(asked.paths);
  const expected = new Set(asked.statuses ?? [200]);
  const [first] = expected;
  const further = Object.entries(asked.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
  const statuses: Record<number, number> = {};
  const errors: string[] = [];
  let times = new Float64Array(1 << 16);
  let counted = 0;
  let wrong = 0;
  let bytes = 0;
  const windows: number[] = [];
  let windowFrom = 0;
  let ended = false;
  let asking = 0;

  const fault = (text: string) => {
    wrong += 1;
    if (errors.length < maxErrors) errors.push(text);
  };
  const opened = performance.now();
  let from = opened + warmUpSeconds * 1000;
  let until = from + seconds * 1000;
  let measuring = false;
  let cpu = process.cpuUsage();

  const answered = (status: number, length: number, took: number, now: number) => {
    if (!measuring) {
      if (now < from) return;
      measuring = true;
      from = now;
      windowFrom = now;
      until = from + seconds * 1000;
      cpu = process.cpuUsage();
      return;
    }
    if (ended) return;
    if (now >= until) {
      ended = true;
      until = now;
      return;
    }
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status !== first) return;
    bytes += length;
    if (counted === times.length) {
      const larger = new Float64Array(times.length * 2);
      larger.set(times);
      times = larger;
    }
    times[counted] = took;
    counted += 1;
    if (window !== undefined && counted % window === 0) {
      windows.push(window / ((now - windowFrom) / 1000));
      windowFrom = now;
    }
    if (counted >= answers) {
      ended = true;
      until = now;
    }
  };

  const { promise, resolve } = Promise.withResolvers<void>();
  const open = (number: number) => {
    const tail =
      ` HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
      `Authorization: Bearer ${tokens[number % tokens.length]}\r\n${further.join('')}\r\n`;
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let path = '';
    let sent = 0;
    let asks = number;
    /** Of the answer that is under way. */
    let begun: Buffer | undefined;
    let status = 0;
    let length = 0;
    let missing = -1;
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
      if (reason !== undefined && !ended) fault(reason);
      socket.destroy();
      asking -= 1;
      if (asking === 0) resolve();
    };
    asking += 1;
    socket.on('connect', ask);
    socket.setTimeout(patienceMs, () => close(`${path}: no answer`));
    socket.on('error', (error) => close(`${path}: ${error.message}`));
    socket.on('end', () => close(`${path}: the connection was closed`));
    socket.on('data', (chunk: Buffer) => {
      let content = chunk;
      if (missing < 0) {
        const all = begun === undefined ? chunk : Buffer.concat([begun, chunk]);
        const end = all.indexOf(blankLine);
        if (end < 0) {
          begun = all;
          return;
        }
        const head = all.toString('latin1', 0, end);
        status = Number(head.slice(9, 12));
        length = status === 304 ? 0 : contentLength(head);
        if (length < 0) return close(`${path}: an answer without Content-Length: ${head}`);
        last = /^connection: close/im.test(head);
        if (status === 503 && !/^retry-after:/im.test(head)) fault(`${path}: 503 without Retry-After`);
        content = all.subarray(end + blankLine.length);
        missing = length;
      }
      missing -= content.length;
      body?.push(content);
      if (missing > 0) return;
      const now = performance.now();
      if (missing < 0) return close(`${path}: more bytes than Content-Length says`);
      if (!expected.has(status)) fault(`${path}: ${status}${body ? ` ${Buffer.concat(body)}` : ''}`);
      else if (body !== undefined && status === 200) {
        const reason = faultOf(Buffer.concat(body).toString(), path, asked.body as 'claim' | 'page' | 'few');
        if (reason !== undefined) fault(`${path}: ${reason}`);
      }
      answered(status, length, now - sent, now);
      begun = undefined;
      missing = -1;
      if (ended) close();
      else if (wrong > 100) {
        ended = true;
        close();
      } else if (last) {
        socket.destroy();
        asking -= 1;
        open(number);
      } else ask();
    });
  };
  for (let number = 0; number < connections; number += 1) open(number);
  await promise;
  const { user, system } = process.cpuUsage(cpu);
  const lasted = (until - from) / 1000;
  const sorted = times.subarray(0, counted).sort();
  const at = (share: number) => sorted[Math.min(counted - 1, Math.floor(counted * share))] ?? Number.NaN;
  return {
    statuses,
    perSecond: counted / lasted,
    p50: at(0.5),
    p99: at(0.99),
    worst: at(1),
    bytesPerAnswer: bytes / counted,
    windows,
    cpu: (user + system) / 1e6 / lasted,
    wrong,
    errors,
  };
}

function contentLength(head: string): number {
  const found = /\r\ncontent-length: (\d+)/i.exec(head);
  return found === null ? -1 : Number(found[1]);
}

interface Claim {
  id: string;
  type: string;
  status: string;
  patient: { id: string };
  billablePeriod: { start: string };
}

/** What is wrong with the body; undefined where it answers the question. */
function faultOf(text: string, path: string, kind: 'claim' | 'page' | 'few'): string | undefined {
  const { pathname, searchParams } = new URL(path, 'http://localhost');
  if (kind === 'claim') {
    const { id } = JSON.parse(text) as Claim;
    return pathname.endsWith(`/${id}`) ? undefined : `the claim ${id} instead`;
  }
  const { claims } = JSON.parse(text) as { claims: Claim[] };
  if (kind === 'page' ? claims.length !== 25 : claims.length === 0 || claims.length > 25) {
    return `${claims.length} claims`;
  }
  const is = (name: string, of: (claim: Claim) => string) => {
    const wanted = searchParams.get(name);
    return wanted === null || claims.every((claim) => of(claim) === wanted);
  };
  const right =
    is('patient', (claim) => claim.patient.id) &&
    is('type', ({ type }) => type) &&
    is('status', ({ status }) => status) &&
    claims.every(({ billablePeriod: { start } }, place) => start <= (claims[place - 1]?.billablePeriod.start ?? start));
  return right ? undefined : 'claims that were not asked for';
}
