import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { Pool } from '../../src/db/client.ts';
import { capturedLog, importClaims, testApp } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';
import { testDatabase } from '../support/database.ts';

const database = await testDatabase();
await importClaims(database.url, [aClaim(), aClaim()]);

/** A pool whose lists wait until the test lets them go. */
const held: (() => void)[] = [];
let holds = false;
const db: Pool = {
  ...database.pool,
  async run(work) {
    if (holds && String(work).includes('listClaims')) await new Promise<void>((go) => held.push(go));
    return database.pool.run(work);
  },
};
const letGo = () => {
  holds = false;
  for (const go of held.splice(0)) go();
};

const { log, lines } = capturedLog();
const capacity = 4;
const { app, token, metrics } = await testApp({ database, db, log, config: { capacity, exportsAtOnce: 2 } });
await app.listen({ port: 0, host: '127.0.0.1' });
const { port } = app.server.address() as { port: number };
const bearer = await token(['claims:read', 'claims:export']);
const agent = new Agent({ keepAlive: true, maxSockets: 1000 });
const sockets: Socket[] = [];
afterAll(() => {
  agent.destroy();
  for (const socket of sockets) socket.destroy();
});

interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
  ms: number;
}

async function ask(path: string, sent?: string): Promise<Answer> {
  const started = performance.now();
  const headers = { authorization: `Bearer ${bearer}`, ...(sent && { 'content-length': sent.length }) };
  const request = httpRequest({ port, path, agent, headers }).end(sent);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode as number, headers: response.headers, body, ms: performance.now() - started };
}

/** A connection that sends this and reads nothing. */
async function unread(text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause();
  socket.on('error', () => {});
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

const getText = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${bearer}\r\n\r\n`;
const until = async (condition: () => boolean) => {
  while (!condition()) await sleep(2);
};

/** As a client that heeds Retry-After. */
async function untilThereIsRoom(): Promise<void> {
  while ((await ask('/api/claims?limit=1')).status === 503) await sleep(1000);
}

/** The longest of a hundred look-ups and probes, one after the other. */
async function longest(): Promise<number> {
  let most = 0;
  for (let count = 0; count < 50; count += 1) {
    for (const path of ['/api/claims?limit=2', '/health/ready']) {
      const { status, ms } = await ask(path);
      expect(status).toBe(200);
      most = Math.max(most, ms);
    }
  }
  return most;
}

/** Far more than a look-up takes, and far less than any of these clients would cost who had to wait for them. */
const soonMs = 5000;

describe('beyond its capacity the service', () => {
  it('turns requests away at once, answers probes, and answers all again when there is room', async () => {
    holds = true;
    const atWork = Array.from({ length: capacity }, (_, index) => ask(`/api/claims?limit=${index + 1}&type=oral`));
    await until(() => held.length === capacity);
    const shed = async () =>
      (await metrics.registry.getSingleMetric('claims_api_requests_shed_total')?.get())?.values[0]?.value ?? 0;
    const before = await shed();
    for (let count = 0; count < 3; count += 1) {
      const { status, headers, body } = await ask('/api/claims');
      expect(status).toBe(503);
      expect(headers).toMatchObject({ 'retry-after': '1', 'content-type': 'application/problem+json' });
      expect(JSON.parse(body)).toEqual({
        type: 'urn:claims-api:problem:unavailable',
        title: 'The service cannot answer right now',
        status: 503,
        detail: 'more requests than can be answered at once; try again shortly',
      });
      expect((await ask('/health/live')).status).toBe(200);
    }
    // With a body, which no look-up has, it is no other request.
    expect((await ask('/api/claims', '{}')).status).toBe(503);
    expect(await shed()).toBe(before + 4);
    letGo();
    for (const { status } of await Promise.all(atWork)) expect(status).toBe(200);
    expect((await ask('/api/claims')).status).toBe(200);
  });

  it('says so in the log once a second, with how many it were', async () => {
    const said = () => lines.map((line) => JSON.parse(line)).filter(({ requests }) => requests !== undefined);
    await until(() => said().length > 0);
    expect(said()[0]).toMatchObject({ level: 'warn', requests: 4 });
  });

  it('bounds how many it turns away of clients that ask again at once, and leaves nobody waiting', async () => {
    holds = true;
    const atWork = Array.from({ length: capacity }, (_, index) => ask(`/api/claims?limit=${index + 1}&type=oral`));
    await until(() => held.length === capacity);
    let turnedAway = 0;
    const end = performance.now() + 500;
    const insistent = Array.from({ length: 50 }, async () => {
      while (performance.now() < end) {
        expect((await ask('/api/claims')).status).toBe(503);
        turnedAway += 1;
      }
    });
    await Promise.all(insistent);
    expect(turnedAway).toBeLessThan(2000);
    letGo();
    await Promise.all(atWork);
    const answers = await Promise.all(Array.from({ length: capacity }, () => ask('/api/claims')));
    for (const { status } of answers) expect(status).toBe(200);
  });
});

describe('others are answered soon, whatever these clients do:', { timeout: 120_000 }, () => {
  it('some that ask for more than they read', async () => {
    await database.sql`
      insert into claims
      select gen_random_uuid(), identifier_system, 'n' || n, type, sub_type, status, 'unread', provider_id, payer_id,
        service_date, service_date_end, charge, allowed, paid, patient_responsibility, diagnoses, procedures, document,
        source, hash, version, import_id, updated_at, message, null
      from (select * from claims limit 1) c, generate_series(1, 3000) n`;
    // Each has an answer of three megabytes before it: more of these than may be at work. That they are answered takes its
    // time, and the places meanwhile; that they do not read it must not.
    for (let count = 0; count < 3 * capacity; count += 1) {
      await unread(getText('/api/claims?patient=unread&limit=1000'));
      await untilThereIsRoom();
    }
    expect(await longest()).toBeLessThan(soonMs);
  });

  it('some that send a byte of their request at a time', async () => {
    const slow = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        unread(
          index % 2 === 0
            ? 'GET /api/cl'
            : 'POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
        ),
      ),
    );
    expect(await longest()).toBeLessThan(soonMs);
    for (const socket of slow) socket.write(' ');
    expect(await longest()).toBeLessThan(soonMs);
  });

  it('5,000 that connect and say nothing', async () => {
    const before = process.memoryUsage().rss;
    const idle: Socket[] = [];
    while (idle.length < 5000) idle.push(...(await Promise.all(Array.from({ length: 250 }, () => unread('')))));
    expect(await longest()).toBeLessThan(soonMs);
    // Of both ends, as they are in one process.
    expect(process.memoryUsage().rss - before).toBeLessThan(250e6);
    for (const socket of idle) socket.destroy();
  });

  it('1,000 that ask for an export at once, and read nothing of it', async () => {
    let refused = 0;
    const asked: Socket[] = [];
    for (let count = 0; count < 1000; count += 1) asked.push(await unread(getText('/api/claims/export')));
    for (const socket of asked) {
      socket.once('data', (chunk) => {
        if (String(chunk).startsWith('HTTP/1.1 503')) refused += 1;
        socket.pause();
      });
      socket.resume();
    }
    expect(await longest()).toBeLessThan(soonMs);
    await until(() => refused === 998);
    const [row] = await database.sql<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity
      where application_name = 'claims-api export' and datname = current_database()`;
    expect(row?.count).toBe(2);
    for (const socket of asked) socket.destroy();
    const exporting = () => database.sql`
      select from pg_stat_activity where application_name = 'claims-api export' and datname = current_database()`;
    while ((await exporting()).length > 0) await sleep(10);
    expect((await ask('/api/claims/export')).status).toBe(200);
  });
});
