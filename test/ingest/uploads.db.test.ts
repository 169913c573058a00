import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { Spool } from '../../src/ingest/spool.ts';
import { capturedLog, expectFault, expectProblem, loadHere, testApp } from '../support/app.ts';
import { testDatabase } from '../support/database.ts';
import { temporaryDirectory } from '../support/files.ts';
import { carrierClaims, carrierFile, carrierRow } from '../support/rif.ts';
import { sqliteClaims } from '../support/sqlite.ts';

const limit = 200_000;
const database = await testDatabase();
const { log, lines } = capturedLog();
/** Awaited before each load. */
let held: Promise<unknown> = Promise.resolve();
let loads = 0;
const { app, get, request, sql, token, uploads, spoolDirectory } = await testApp({
  database,
  log,
  config: { uploadLimitBytes: limit },
  load: async (work, signal) => {
    loads += 1;
    await held;
    return loadHere(database.url)(work, signal);
  },
});
const url = await app.listen({ port: 0, host: '127.0.0.1' });
const writer = await token(['imports:write']);

beforeEach(async () => {
  await sql`truncate claims, claim_history, patients, imports, import_files, import_rejects`;
  lines.length = 0;
  loads = 0;
  held = Promise.resolve();
});

const upload = (payload: string | Buffer | Readable, query = '', headers: Record<string, string> = {}) =>
  request({ method: 'POST', url: `/api/imports${query}`, payload, headers }, writer);

async function ended(id: string) {
  for (;;) {
    const row = (await get(`/api/imports/${id}`)).json();
    if (row.status !== 'queued' && row.status !== 'running') return row;
    await sleep(20);
  }
}

/** Files that wait for their load. */
const spooled = async () =>
  (await readdir(spoolDirectory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());

async function nothingIsSpooled() {
  while ((await spooled()).length > 0) await sleep(20);
}

describe('an upload', () => {
  it('is answered with its import, and loaded', async () => {
    const answer = await upload(carrierClaims(3), '?name=may.csv');
    expect(answer.statusCode, answer.body).toBe(202);
    const { id } = answer.json();
    expect(answer.json()).toMatchObject({ file: 'may.csv', status: 'queued', read: 0, size: carrierClaims(3).length });
    expect(answer.headers.location).toBe(`/api/imports/${id}`);
    expect(await ended(id)).toMatchObject({ status: 'completed', format: 'rif', added: 3, fraction: 1 });
    await nothingIsSpooled();
  });

  it.each([
    ['application/json', carrierClaims(1)],
    ['text/csv; charset=utf-8', carrierClaims(1)],
    ['application/gzip', gzipSync(carrierClaims(1))],
    ['nonsense', carrierClaims(1)],
  ])('is taken whatever its content type says: %s', async (type, content) => {
    const answer = await upload(content, '', { 'content-type': type });
    expect(answer.statusCode, answer.body).toBe(202);
    expect(await ended(answer.json().id)).toMatchObject({ status: 'completed', file: 'upload', added: 1 });
  });

  it('is read as the format that is named', async () => {
    const named = await upload(JSON.stringify({ identifier: { value: 'A1' } }), '?format=rif');
    expect(await ended(named.json().id)).toMatchObject({ status: 'refused', format: 'rif' });
  });

  it('numbers its claims by the source that is named, another time by another', async () => {
    for (const source of ['east', 'west']) {
      await ended((await upload(sqliteClaims(), `?name=a.db&source=${source}`)).json().id);
    }
    expect(await sql`select identifier_system as system from claims order by 1`).toEqual([
      { system: 'east' },
      { system: 'west' },
    ]);
  });

  it('of the same content is answered with the import that took it, and not loaded again', async () => {
    const { id } = (await upload(carrierClaims(2), '?name=a.csv')).json();
    await ended(id);
    await nothingIsSpooled();
    const again = await upload(carrierClaims(2), '?name=b.csv');
    expect(again.statusCode).toBe(200);
    expect(again.headers.location).toBe(`/api/imports/${id}`);
    expect(again.json()).toMatchObject({ id, file: 'a.csv', status: 'completed', added: 2 });
    expect(loads).toBe(1);
    await nothingIsSpooled();
  });

  it('of a content that waits to be loaded is answered with its import', async () => {
    const gate = Promise.withResolvers<void>();
    held = gate.promise;
    const answers = await Promise.all([1, 2, 3].map(() => upload(carrierClaims(2))));
    expect(new Set(answers.map((answer) => answer.json().id)).size).toBe(1);
    expect(await spooled()).toHaveLength(1);
    gate.resolve();
    expect(await ended(answers[0]?.json().id)).toMatchObject({ status: 'completed', added: 2 });
    expect(loads).toBe(1);
  });

  it('that puts a name back to what it held before is loaded again', async () => {
    for (const paid of ['80.00', '81.00', '80.00']) {
      const { id } = (await upload(carrierFile([carrierRow({ CLM_PMT_AMT: paid })]), '?name=a.csv')).json();
      await ended(id);
    }
    expect(await sql`select paid from claims`).toEqual([{ paid: '80.00' }]);
    expect(await sql`select from claim_history`).toHaveLength(2);
  });

  it('with others waits for its turn', async () => {
    const gate = Promise.withResolvers<void>();
    held = gate.promise;
    const ids = [];
    for (const number of [1, 2, 3]) {
      const content = carrierFile([carrierRow({ CLM_ID: `-${number}` })]);
      ids.push((await upload(content)).json().id as string);
    }
    await expect.poll(() => loads).toBe(1);
    for (const id of ids) expect((await get(`/api/imports/${id}`)).json()).toMatchObject({ status: 'queued' });
    gate.resolve();
    for (const id of ids) expect(await ended(id)).toMatchObject({ status: 'completed', added: 1 });
    expect(await sql`select from claims`).toHaveLength(3);
  });

  it('waits from when it was taken until it is loaded', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    const began = Date.now();
    const first = await upload(carrierClaims(1));
    const taken = Date.now();
    await sleep(5);
    await upload(carrierClaims(2));
    const since = uploads.waitingSince();
    resolve();
    expect(since).toBeGreaterThanOrEqual(began);
    expect(since).toBeLessThanOrEqual(taken);
    await ended(first.json().id);
    await nothingIsSpooled();
    expect(uploads.waitingSince()).toBeUndefined();
  });

  it.each<[string, string | Buffer, object]>([
    ['of no known format', 'nothing to see', { status: 'unknown', reason: expect.any(String) }],
    ['that is damaged', gzipSync(carrierClaims(9)).subarray(0, 60), { status: 'refused', reason: expect.any(String) }],
  ])('%s ends as such', async (_what, content, expected) => {
    expect(await ended((await upload(content)).json().id)).toMatchObject(expected);
    await nothingIsSpooled();
  });

  it('that the service failed on says so', async () => {
    held = Promise.reject(new Error('a fault'));
    held.catch(() => {});
    const { id } = (await upload(carrierClaims(1))).json();
    expect(await ended(id)).toMatchObject({ status: 'failed', reason: 'the service failed on it' });
    held = Promise.resolve();
    await nothingIsSpooled();
    const again = await upload(carrierClaims(1));
    expect(again.json()).toMatchObject({ id, status: 'queued' });
    expect(await ended(id)).toMatchObject({ status: 'completed', reason: null });
  });

  it('is kept where only this user can read it', async () => {
    const gate = Promise.withResolvers<void>();
    held = gate.promise;
    await upload(carrierClaims(1));
    const [file] = await spooled();
    const path = join(file?.parentPath ?? '', file?.name ?? '');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(file?.parentPath ?? '')).mode & 0o777).toBe(0o700);
    gate.resolve();
    await nothingIsSpooled();
  });

  it('has a name without control characters, in the log too', async () => {
    const name = encodeURIComponent('a\u0000b\r\n{"level":"error"}\u001b[31m\u2028\u202ec.csv');
    const { id } = (await upload(carrierClaims(1), `?name=${name}`)).json();
    expect(await ended(id)).toMatchObject({ file: 'ab{"level":"error"}[31mc.csv' });
    expect(lines.join('')).not.toContain('name=');
  });
});

describe('an upload is refused', () => {
  it('that is empty', async () => {
    expectProblem(await upload(''), 400);
    expectProblem(await request({ method: 'POST', url: '/api/imports' }, writer), 400);
  });

  it.each([
    ['name', 'x'.repeat(201)],
    ['name', ''],
    ['format', 'excel'],
    ['source', 'x'.repeat(201)],
    ['colour', 'red'],
  ])('with %s=%s', async (name, value) => {
    expectFault(await upload(carrierClaims(1), `?${name}=${value}`), name);
    await nothingIsSpooled();
  });

  it('of an unknown format with the formats there are', async () => {
    expect(expectProblem(await upload('x', '?format=excel'), 400).detail).toMatch(/rif.*ndjson/);
  });

  it('inside a form, and says what is expected', async () => {
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const answer = await upload('--x\r\n\r\n--x--\r\n', '', headers);
    expectProblem(answer, 415);
    expect(answer.json().detail).toContain('--data-binary');
  });

  it('without the scope', async () => {
    const options = { method: 'POST', url: '/api/imports', payload: carrierClaims(1) } as const;
    expectProblem(await request(options, null), 401);
    expectProblem(await request(options, await token(['imports:read', 'claims:read'])), 403);
    expect(await sql`select from imports`).toHaveLength(0);
  });

  it('that says that it is too large, before it is read', async () => {
    const content = Readable.from([Buffer.alloc(1)]);
    expectProblem(await upload(content, '', { 'content-length': String(limit + 1) }), 413);
  });

  it('as soon as it is too large, though it never ends', { timeout: 20_000 }, async () => {
    async function* endless() {
      for (;;) {
        yield new Uint8Array(50_000);
        await sleep(1);
      }
    }
    const controller = new AbortController();
    const answer = await fetch(`${url}/api/imports`, {
      method: 'POST',
      headers: { authorization: `Bearer ${writer}` },
      body: Readable.from(endless()),
      duplex: 'half',
      signal: controller.signal,
    } as never);
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ type: 'urn:claims-api:problem:too-large' });
    controller.abort();
    await nothingIsSpooled();
    expect(await sql`select from imports`).toHaveLength(0);
  });
});

it('a client that leaves half-way leaves nothing', async () => {
  const socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
  socket.write(
    `POST /api/imports HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${writer}\r\ncontent-length: 1000\r\n\r\nabc`,
  );
  while ((await spooled()).length === 0) await sleep(10);
  socket.destroy();
  await once(socket, 'close');
  await nothingIsSpooled();
  expect(await sql`select from imports`).toHaveLength(0);
  expect(lines.join('')).not.toContain('"level":"error"');
});

it('without a place to keep it an upload is answered 503', async () => {
  const other = await testApp({ database });
  await rm(other.spoolDirectory, { recursive: true });
  const options = { method: 'POST', url: '/api/imports', payload: 'x' } as const;
  const { detail } = expectProblem(await other.request(options, await other.token(['imports:write'])), 503);
  expect(detail).toContain('CLAIMS_API_UPLOADS');
  expect(detail).not.toContain(other.spoolDirectory);
});

describe('what other processes left', () => {
  it('is removed where they are no more', async () => {
    const parent = await temporaryDirectory();
    const host = encodeURIComponent(hostname());
    const names = {
      ours: `claims-api-spool-${host}-${process.pid}-AbCdEf`,
      dead: `claims-api-spool-${host}-99999999-AbCdEf`,
      alive: `claims-api-spool-${host}-${process.ppid}-AbCdEf`,
      foreign: 'claims-api-spool-elsewhere-1-AbCdEf',
      other: 'something-else',
    };
    for (const name of Object.values(names)) {
      await mkdir(join(parent, name));
      await writeFile(join(parent, name, 'x'), '');
    }
    const spool = new Spool(parent);
    const { path } = await spool.write(Readable.from([Buffer.from('x')]));
    await spool.sweep();
    expect((await readdir(parent)).sort()).toEqual(
      [names.alive, names.foreign, names.other, path.split('/').at(-2) ?? ''].sort(),
    );
    await spool.close();
    expect(await readdir(parent)).toHaveLength(3);
  });

  it('is ended as an import where nobody has its file, and left alone where somebody has', async () => {
    const id = randomUUID();
    await sql`
      insert into imports (id, file, size, content_hash, status, started_at, uploaded)
      values (${id}, 'left.csv', 1, ${randomUUID()}, 'running', now(), true)`;
    const gate = Promise.withResolvers<void>();
    held = gate.promise;
    const living = (await upload(carrierClaims(1))).json().id;
    const second = await testApp({ database });
    await second.uploads.start();
    expect((await get(`/api/imports/${id}`)).json()).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('upload it again'),
    });
    expect((await get(`/api/imports/${living}`)).json()).toMatchObject({ status: 'queued' });
    // The other service answers with it too, and does not load it a second time.
    const again = await second.request(
      { method: 'POST', url: '/api/imports', payload: carrierClaims(1) },
      await second.token(['imports:write']),
    );
    expect(again.json()).toMatchObject({ id: living, status: 'queued' });
    gate.resolve();
    expect(await ended(living)).toMatchObject({ status: 'completed' });
  });
});
