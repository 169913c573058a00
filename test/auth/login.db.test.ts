import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogin } from '../../src/auth/login.ts';
import { hashPassword, verifyPassword } from '../../src/auth/passwords.ts';
import { disableUser, insertUser, setPassword } from '../../src/auth/queries.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import { ensureDemoUser } from '../../src/auth/users.ts';
import { DatabaseUnavailable } from '../../src/db/client.ts';
import { testDatabase } from '../support/database.ts';
import { aPair, someKeys } from './fixtures.ts';

vi.mock('../../src/auth/passwords.ts', { spy: true });

const { sql, pool } = await testDatabase();
const keys = someKeys({ current: aPair() });
const tokens = createTokens({ keys, issuer: 'claims-api', audience: 'claims.test', lifetimeSeconds: 3600 });

const password = 'correct horse';
const passwordHash = await hashPassword(password);
const scopes = ['claims:read', 'imports:read'];
await insertUser(sql, { name: 'ada', passwordHash, scopes });
await insertUser(sql, { name: 'gone', passwordHash, scopes });
await disableUser(sql, 'gone');
await ensureDemoUser(sql);

const aLogin = (options = {}) => createLogin({ db: pool, tokens, failuresPerMinute: 3, demo: false, ...options });
const wrong = { kind: 'unauthenticated', message: 'the user name or the password is wrong' };
const tooMany = { kind: 'too-many-failures' };

beforeEach(() => void vi.mocked(verifyPassword).mockClear());

describe('a login', () => {
  it('with the right password gives a token that verifies', async () => {
    const answer = await aLogin()('ada', password, '10.0.0.1');
    expect(answer).toMatchObject({ tokenType: 'Bearer', expiresIn: 3600, scope: 'claims:read imports:read' });
    expect(await tokens.verify(answer.token)).toMatchObject({ subject: 'ada', scopes });
  });

  it('takes the name in upper case, as the same user', async () => {
    const { token } = await aLogin()('ADA', password, '10.0.0.1');
    expect((await tokens.verify(token)).subject).toBe('ada');
  });

  it.each([
    ['a wrong password', 'ada', 'correct horsf'],
    ['an unknown user', 'nobody', password],
    ['a name that no user can have', "ada' or 1=1", password],
    ['a disabled user', 'gone', password],
    ['the demo user outside demo mode', 'demo', 'demo'],
  ])('of %s is refused in the same words, after one hash as any other', async (_who, name, given) => {
    await expect(aLogin()(name, given, '10.0.0.1')).rejects.toMatchObject(wrong);
    expect(verifyPassword).toHaveBeenCalledTimes(1);
  });

  it('of the demo user is let in in demo mode', async () => {
    expect(await aLogin({ demo: true })('demo', 'demo', '10.0.0.1')).toHaveProperty('token');
  });

  it('right after a new password gives a token that is good', async () => {
    await insertUser(sql, { name: 'eve', passwordHash, scopes });
    await setPassword(sql, 'eve', passwordHash);
    const { token } = await aLogin()('eve', password, '10.0.0.1');
    const [{ from } = {}] =
      await sql`select extract(epoch from tokens_valid_from)::float8 as from from users where name = 'eve'`;
    expect((await tokens.verify(token)).issuedAt).toBeGreaterThanOrEqual(from);
  });
});

describe('too many failures', () => {
  it.each(['ada', 'nobody'])('of the name %s lock it for every password and address', async (name) => {
    const login = aLogin();
    for (const last of [1, 2, 3]) await expect(login(name, 'wrong', `10.0.0.${last}`)).rejects.toMatchObject(wrong);
    vi.mocked(verifyPassword).mockClear();
    for (const given of ['wrong', password]) {
      const error = await login(name, given, '10.0.0.4').catch((error) => error);
      expect(error).toMatchObject({ ...tooMany, retryAfterSeconds: expect.any(Number) });
      expect(error.retryAfterSeconds).toBeGreaterThan(0);
      expect(error.retryAfterSeconds).toBeLessThanOrEqual(60);
    }
    expect(verifyPassword).not.toHaveBeenCalled();
  });

  it('from an address lock it for every name', async () => {
    const login = aLogin();
    for (const name of ['a', 'b', 'c']) await expect(login(name, 'wrong', '10.0.0.1')).rejects.toMatchObject(wrong);
    await expect(login('ada', password, '10.0.0.1')).rejects.toMatchObject(tooMany);
  });

  it('count a name in upper and lower case together', async () => {
    const login = aLogin();
    for (const name of ['ada', 'Ada', 'ADA'])
      await expect(login(name, 'wrong', `10.0.0.${name}`)).rejects.toMatchObject(wrong);
    await expect(login('aDa', 'wrong', '10.0.0.1')).rejects.toMatchObject(tooMany);
  });

  it('at the same time cannot pass the limit together', async () => {
    const login = aLogin();
    const attempts = Array.from({ length: 8 }, () => login('ada', 'wrong', '10.0.0.1').catch((error) => error.kind));
    const kinds = await Promise.all(attempts);
    expect(kinds.filter((kind) => kind === 'unauthenticated')).toHaveLength(3);
    expect(verifyPassword).toHaveBeenCalledTimes(3);
  });

  it('are not made of logins that succeed', async () => {
    const login = aLogin();
    for (let time = 0; time < 5; time += 1) await login('ada', password, '10.0.0.1');
  });

  it('are not made of failures of the database', async () => {
    let down = true;
    const run: typeof pool.run = (work) => (down ? Promise.reject(new DatabaseUnavailable('down')) : pool.run(work));
    const login = aLogin({ db: { ...pool, run } });
    for (let time = 0; time < 5; time += 1) {
      await expect(login('ada', password, '10.0.0.1')).rejects.toThrow(DatabaseUnavailable);
    }
    down = false;
    await login('ada', password, '10.0.0.1');
  });
});
