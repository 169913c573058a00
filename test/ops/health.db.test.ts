import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { claimId } from '../../src/claims/identity.ts';
import { createPool, type Pool } from '../../src/db/client.ts';
import { expectProblem, testApp, user } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';
import { testDatabase } from '../support/database.ts';

const database = await testDatabase();
/** The database's own pool, until a test puts something else in place of its `run`. */
const db: Pool = { ...database.pool };
const readiness = { loaded: true };
const { get } = await testApp({ database, db, readiness });
afterEach(() => {
  db.run = database.pool.run;
  readiness.loaded = true;
});

/** A pool whose database nobody listens for. */
async function unreachable(): Promise<Pool> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  const pool = createPool(`postgres://claims:hunter2@127.0.0.1:${port}/claims`, 1, { name: 'tests' });
  afterAll(() => pool.end());
  return pool;
}
const lost = await testApp({ database, db: await unreachable(), readiness: { loaded: true } });

const claimAddress = `/api/claims/${claimId(aClaim().identifier)}`;

describe('health', () => {
  it('is ready where the database answers and the first load has ended', async () => {
    const answer = await get('/health/ready', null);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ status: 'ok', version: '0.0.0-test' });
  });

  it('is live, and not ready, while the first load has not ended', async () => {
    readiness.loaded = false;
    expect((await get('/health/live', null)).statusCode).toBe(200);
    const answer = await get('/health/ready', null);
    expect(answer.statusCode).toBe(503);
    expect(answer.json().status).toContain('loading');
  });

  it('is live, and not ready, where the database cannot be reached', async () => {
    expect((await lost.get('/health/live', null)).json()).toEqual({ status: 'ok', version: '0.0.0-test' });
    const answer = await lost.get('/health/ready', null);
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({ status: 'the database does not answer', version: '0.0.0-test' });
  });

  it('is not ready, within seconds, where the database accepts questions and never answers', async () => {
    db.run = () => new Promise(() => {});
    const answer = await get('/health/ready', null);
    expect(answer.statusCode).toBe(503);
    expect(answer.json().status).toBe('the database does not answer');
  });

  it('is live without asking the database', async () => {
    db.run = () => {
      throw new Error('asked');
    };
    expect((await get('/health/live', null)).statusCode).toBe(200);
  });
});

describe('a database that cannot be reached', () => {
  it.each(['/api/claims', claimAddress, '/api/imports', `/api/imports/${randomUUID()}`])(
    'makes %s answer 503 with the time to wait, and say nothing of the inside',
    async (url) => {
      const answer = await lost.get(url);
      const problem = expectProblem(answer, 503);
      expect(problem.type).toBe('urn:claims-api:problem:unavailable');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.body).not.toMatch(/127\.0\.0\.1|hunter2|ECONN|postgres/i);
    },
  );

  it('makes the login answer 503, not 401', async () => {
    const payload = { username: user.name, password: user.password };
    const answer = await lost.request({ method: 'POST', url: '/api/auth/login', payload }, null);
    expectProblem(answer, 503);
    expect(answer.headers['retry-after']).toBeDefined();
  });

  it('does not concern what needs none', async () => {
    expect((await lost.get('/.well-known/jwks.json', null)).statusCode).toBe(200);
    expect((await lost.get('/docs/json', null)).statusCode).toBe(200);
    expectProblem(await lost.get('/api/claims', null), 401);
    expectProblem(await lost.get('/nope', null), 404);
  });
});
