import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimId } from '../../src/claims/identity.ts';
import type { Pool } from '../../src/db/client.ts';
import { capturedLog, expectProblem, importClaims, testApp, user } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';
import { testDatabase } from '../support/database.ts';
import { builtPage } from '../support/page.ts';

const database = await testDatabase();
/** The database's own pool, until a test puts something else in place of its `run`. */
const db: Pool = { ...database.pool };
const readiness = { loaded: true };
const { log, lines } = capturedLog();
const { get, login, request, token, url } = await testApp({
  database,
  db,
  log,
  readiness,
  webDirectory: await builtPage(),
});
beforeEach(() => {
  lines.length = 0;
});
afterEach(() => {
  db.run = database.pool.run;
  readiness.loaded = true;
});

const claim = aClaim();
await importClaims(url, [claim]);
const claimAddress = `/api/claims/${claimId(claim.identifier)}`;

describe('the log', () => {
  const requestLines = () => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');

  it('has one line a request, by the pattern of its route', async () => {
    await get(`${claimAddress}?x=1`);
    await get(claimAddress);
    await get('/nope/SECRET?x=1');
    await login({ username: 'x', password: 'x' });
    const shape = {
      level: 'info',
      time: expect.any(String),
      reqId: expect.any(String),
      ms: expect.any(Number),
      msg: 'request',
    };
    expect(requestLines()).toEqual([
      { ...shape, method: 'GET', route: '/api/claims/:id', status: expect.any(Number) },
      { ...shape, method: 'GET', route: '/api/claims/:id', status: 200 },
      { ...shape, method: 'GET', route: expect.stringMatching(/^(none|\/\*)$/), status: 404 },
      { ...shape, method: 'POST', route: '/api/auth/login', status: 401 },
    ]);
  });

  it('has the id that the answer tells, whatever is answered', async () => {
    const { headers } = await get('/api/claims');
    lines.length = 0;
    const answers = [
      await get('/api/claims'),
      await request({ url: '/api/claims', headers: { 'if-none-match': String(headers.etag) } }),
      await get('/api/claims?limit=0'),
      await get('/api/claims', null),
      await get('/nope'),
      await get('/'),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 304, 400, 401, 404, 200]);
    expect(requestLines().map(({ reqId }) => reqId)).toEqual(answers.map((answer) => answer.headers['x-request-id']));
  });

  it('has probes that succeed at debug level, and those that fail at info', async () => {
    await get('/health/ready', null);
    readiness.loaded = false;
    await get('/health/ready', null);
    expect(requestLines().map(({ level, status }) => [level, status])).toEqual([
      ['debug', 200],
      ['info', 503],
    ]);
  });

  it('holds no query, no id, no token, no password and no patient, whatever fails', async () => {
    const secret = 'SECRET';
    const id = claimId(claim.identifier);
    const bearer = await token();
    await importClaims(url, [aClaim({ patient: { id: `${secret}-patient` } })]);
    const urls = [
      `/api/claims?patient=${secret}-patient`,
      `/api/claims?patient=${secret}%00`,
      `/api/claims?${secret}=1`,
      `/api/claims?limit=${secret}`,
      `/api/claims?limit=Infinity&patient=${secret}`,
      `/api/claims?cursor=${secret}`,
      `/api/claims?updatedSince=${secret}`,
      `/api/claims?updatedSince=2016-12-31T23:59:60Z&patient=${secret}`,
      `/api/claims/${id}`,
      `/api/claims/urn:uuid:${id}`,
      `/api/claims/${secret}`,
      `/api/claims/${secret}${'x'.repeat(200)}`,
      `/api/claims/${secret}%zz`,
      `/api/imports/${id}`,
      `/api/imports?cursor=${secret}`,
      `/${secret}`,
      `/docs/${secret}`,
      `/docs?${secret}`,
      `/health/live?${secret}`,
    ];
    for (const url of urls) {
      await get(url);
      await get(url, null);
      await get(url, `${secret}.${secret}.${secret}`);
    }
    for (const password of [user.password, secret]) await login({ username: user.name, password });
    await login({ username: secret, password: secret });
    await login(`{"username":"${secret}"`, {});
    await login(`username=${secret}`, { 'content-type': 'application/x-www-form-urlencoded' });
    db.run = (work) => database.pool.run((sql) => sql`select ${`${secret}-value`}::text::int`.then(() => work(sql)));
    await get(`/api/claims?patient=${secret}`);
    await get('/api/imports');

    expect(lines.length).toBeGreaterThan(urls.length);
    const text = lines.join('');
    for (const part of [secret, id, bearer, bearer.split('.')[2] ?? '', user.password, user.name, '?']) {
      expect(
        lines.filter((line) => line.includes(part)),
        part,
      ).toEqual([]);
    }
    expect(text).not.toContain('127.0.0.1');
  });
});

describe('an unexpected error', () => {
  const faults: [string, Pool['run']][] = [
    ['of the program', () => Promise.reject(new TypeError('SECRET-program is not a function'))],
    ['of a query', (work) => database.pool.run((sql) => sql`select 'SECRET-query'::int`.then(() => work(sql)))],
    [
      'of a table that is gone',
      (work) => database.pool.run((sql) => sql`select * from "SECRET-table"`.then(() => work(sql))),
    ],
  ];

  it.each(faults)('%s is answered 500, and says nothing of the inside', async (_what, run) => {
    await get('/api/claims'); // so that the user's standing is known
    db.run = run;
    const answer = await get('/api/claims?limit=1'); // which is not in memory
    expect(expectProblem(answer, 500).type).toBe('urn:claims-api:problem:internal');
    expect(answer.body).not.toMatch(/SECRET|stack|node_modules|select|TypeError/);
  });

  it('is logged under the id of the request, which the answer tells', async () => {
    await get('/api/claims');
    lines.length = 0;
    db.run = (work) => database.pool.run((sql) => sql`select 'SECRET-query'::int`.then(() => work(sql)));
    const answer = await get('/api/claims?limit=1'); // which is not in memory
    const failures = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error');
    expect(failures).toEqual([
      expect.objectContaining({ reqId: expect.any(String), err: expect.objectContaining({ code: '22P02' }) }),
    ]);
    expect(`${JSON.stringify(answer.headers)} ${answer.body}`).toContain(failures[0].reqId);
  });
});
