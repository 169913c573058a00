import { once } from 'node:events';
import { Agent, get as ask, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { authenticate } from '../../src/auth/authenticate.ts';
import { disableUser, findStanding, insertUser, setPassword } from '../../src/auth/queries.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import { ensureDemoUser } from '../../src/auth/users.ts';
import { DatabaseUnavailable, type Pool } from '../../src/db/client.ts';
import { problems } from '../../src/problems.ts';
import { testDatabase } from '../support/database.ts';
import { aPair, someKeys } from './fixtures.ts';

vi.mock('../../src/auth/queries.ts', { spy: true });

const { sql, pool } = await testDatabase();
const pair = aPair();
const keys = someKeys({ current: pair });
const tokens = createTokens({
  keys,
  issuer: 'claims-api',
  audience: 'claims.test',
  lifetimeSeconds: 3600,
});

// Only the clock by which standings are remembered: the database's connections keep theirs.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.mocked(findStanding).mockClear();
});

/** All of a test's requests come on one connection, as those of a client or of a proxy do. */
async function anApp({ db = pool, demo = false }: { db?: Pool; demo?: boolean } = {}) {
  const app = fastify();
  await app.register(problems);
  await app.register(authenticate, { tokens, db, demo });
  app.get('/claims', { config: { scope: 'claims:read' } }, async ({ subject, scopes }) => ({ subject, scopes }));
  const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/claims`;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(async () => {
    agent.destroy();
    await app.close();
  });
  return async (token?: string) => {
    const headers = token === undefined ? {} : { authorization: `bearer ${token}` };
    const [answer] = (await once(ask(url, { agent, headers }), 'response')) as [IncomingMessage];
    const body = (await json(answer)) as { detail?: string };
    return { statusCode: answer.statusCode, body };
  };
}

let users = 0;
async function aUser(): Promise<string> {
  users += 1;
  const name = await insertUser(sql, { name: `user${users}`, passwordHash: 'none', scopes: [] });
  if (name === undefined) throw new Error('there already');
  return name;
}

const aToken = async (subject: string, scopes = ['claims:read']) => (await tokens.issue(subject, scopes)).token;
const revoked = 'the token is revoked: its user was disabled or has a new password';

describe('a token', () => {
  it('tells the handler its user and scopes, also within the second in which the user was made', async () => {
    const name = await aUser();
    const get = await anApp();
    const response = await get(await aToken(name, ['imports:read', 'claims:read']));
    expect(response.statusCode).toBe(200);
    expect(response.body).toEqual({ subject: name, scopes: ['imports:read', 'claims:read'] });
  });

  it.each([[['claims:export', 'imports:read']], [['claims:rea']], [[]]])(
    'of the scopes %j is told which one it lacks',
    async (scopes) => {
      const get = await anApp();
      const response = await get(await aToken(await aUser(), scopes));
      expect(response.statusCode).toBe(403);
      expect(response.body.detail).toBe('the token lacks the scope claims:read, which is needed here');
    },
  );

  it('is read with each request, though others came on the same connection', async () => {
    const [ada, eve] = [await aUser(), await aUser()];
    const [adas, eves] = [await aToken(ada), await aToken(eve, ['imports:read'])];
    const get = await anApp();
    for (let time = 0; time < 2; time += 1) {
      expect((await get(adas)).body).toEqual({ subject: ada, scopes: ['claims:read'] });
      expect((await get(adas)).statusCode).toBe(200);
      expect((await get(eves)).statusCode).toBe(403);
      expect((await get()).statusCode).toBe(401);
      expect((await get(`${adas.slice(0, -8)}AAAAAAAA`)).statusCode).toBe(401);
    }
  });

  it('is refused once its key is gone, also on a connection that it came on before', async () => {
    const token = await aToken(await aUser());
    const get = await anApp();
    expect((await get(token)).statusCode).toBe(200);
    keys.change({ other: aPair() });
    onTestFinished(() => keys.change({ current: pair }));
    expect((await get(token)).statusCode).toBe(401);
  });

  it('is refused once it has expired, also on a connection that it came on before', async () => {
    const token = await aToken(await aUser());
    const get = await anApp();
    expect((await get(token)).statusCode).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_606_000 });
    expect((await get(token)).body.detail).toBe('the token has expired; log in again');
  });

  it('of an unknown user is refused', async () => {
    const response = await (await anApp())(await aToken('nobody'));
    expect(response.statusCode).toBe(401);
    expect(response.body.detail).toBe(revoked);
  });

  it('of the demo user is accepted in demo mode only', async () => {
    await ensureDemoUser(sql);
    const token = await aToken('demo');
    expect((await (await anApp({ demo: true }))(token)).statusCode).toBe(200);
    expect((await (await anApp({ demo: false }))(token)).statusCode).toBe(401);
  });

  it('from the second of a new password, and before it, is refused', async () => {
    const name = await aUser();
    const token = await aToken(name);
    await setPassword(sql, name, 'new');
    expect((await (await anApp())(token)).body.detail).toBe(revoked);
  });

  it('from the first second that is good is accepted, and from the one before refused', async () => {
    const name = await aUser();
    const from = Math.floor(Date.now() / 1000) + 10;
    await sql`update users set tokens_valid_from = to_timestamp(${from}) + interval '999999 microseconds' where name = ${name}`;
    const get = await anApp();
    expect((await get((await tokens.issue(name, ['claims:read'], from)).token)).statusCode).toBe(200);
    expect((await get((await tokens.issue(name, ['claims:read'], from - 1)).token)).statusCode).toBe(401);
  });

  it('of a disabled user is refused whenever it was issued', async () => {
    const name = await aUser();
    await disableUser(sql, name);
    const later = Math.floor(Date.now() / 1000) + 60;
    const { token } = await tokens.issue(name, ['claims:read'], later);
    expect((await (await anApp())(token)).body.detail).toBe(revoked);
  });

  it('of a user who is disabled is refused ten seconds later', async () => {
    const name = await aUser();
    const token = await aToken(name);
    const get = await anApp();
    expect((await get(token)).statusCode).toBe(200);
    await disableUser(sql, name);
    vi.advanceTimersByTime(9_999);
    expect((await get(token)).statusCode).toBe(200);
    vi.advanceTimersByTime(1);
    expect((await get(token)).statusCode).toBe(401);
  });
});

describe('the database', () => {
  it('is asked about a user once in ten seconds, however many requests come at once', async () => {
    const token = await aToken(await aUser());
    const get = await anApp();
    await Promise.all([get(token), get(token), get(token)]);
    await get(token);
    expect(findStanding).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(10_000);
    await get(token);
    expect(findStanding).toHaveBeenCalledTimes(2);
  });

  it('that cannot be reached is not remembered', async () => {
    const token = await aToken(await aUser());
    let down = true;
    const run: Pool['run'] = (work) => (down ? Promise.reject(new DatabaseUnavailable('down')) : pool.run(work));
    const get = await anApp({ db: { ...pool, run } });
    expect((await get(token)).statusCode).toBe(503);
    down = false;
    expect((await get(token)).statusCode).toBe(200);
    // Where the token is known by now, and only its user has to be asked for.
    down = true;
    vi.advanceTimersByTime(10_000);
    expect((await get(token)).statusCode).toBe(503);
  });
});
