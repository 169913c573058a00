import { expect, it, vi } from 'vitest';
import { hashPassword, verifyPassword } from '../../src/auth/passwords.ts';
import { disableUser, findUser, insertUser, upsertDemoUser } from '../../src/auth/queries.ts';
import { ensureDemoUser, parseUserName } from '../../src/auth/users.ts';
import { testDatabase } from '../support/database.ts';

vi.mock('../../src/auth/passwords.ts', { spy: true });

const { sql } = await testDatabase();

it.each([
  ['ada', 'ada'],
  ['Ada.Lovelace@Example.org', 'ada.lovelace@example.org'],
  ['0-a_b', '0-a_b'],
  ['a'.repeat(64), 'a'.repeat(64)],
  ['a'.repeat(65), undefined],
  ['', undefined],
  ['.ada', undefined],
  ['a da', undefined],
  ['ada\n', undefined],
  ['\u212aelvin', 'kelvin'], // the Kelvin sign becomes a k in lower case
  ['jos\u00e9', undefined],
])('the user name %j is stored as %j', (text, name) => {
  expect(parseUserName(text)).toBe(name);
});

it('the demo user is made with its password and every scope', async () => {
  await ensureDemoUser(sql);
  const user = await findUser(sql, 'demo');
  expect(user).toMatchObject({
    demo: true,
    disabled: false,
    scopes: ['claims:read', 'claims:export', 'imports:read', 'imports:write'],
  });
  expect(await verifyPassword(user?.passwordHash ?? '', 'demo')).toBe(true);
});

it('the demo user is not hashed again where it is as it should be', async () => {
  await ensureDemoUser(sql);
  const before = await findUser(sql, 'demo');
  vi.mocked(hashPassword).mockClear();
  await ensureDemoUser(sql);
  expect(hashPassword).not.toHaveBeenCalled();
  expect(await findUser(sql, 'demo')).toEqual(before);
});

it.each<[string, () => Promise<unknown>]>([
  [
    'has another password',
    async () => upsertDemoUser(sql, { name: 'demo', passwordHash: await hashPassword('x'), scopes: [] }),
  ],
  ['lacks a scope', () => sql`update users set scopes = '{claims:read}' where name = 'demo'`],
  ['is disabled', () => disableUser(sql, 'demo')],
  ['is no demo user', () => sql`update users set demo = false where name = 'demo'`],
])('the demo user is mended where it %s', async (_fault, spoil) => {
  await ensureDemoUser(sql);
  const wanted = await findUser(sql, 'demo');
  await spoil();
  await ensureDemoUser(sql);
  const { passwordHash, ...user } = (await findUser(sql, 'demo')) ?? {};
  expect(user).toMatchObject({ demo: true, disabled: false, scopes: wanted?.scopes });
  expect(await verifyPassword(passwordHash ?? '', 'demo')).toBe(true);
});

it('a user who exists is not inserted over', async () => {
  const user = { name: 'ada', passwordHash: 'first', scopes: ['claims:read'] };
  expect(await insertUser(sql, user)).toBe('ada');
  expect(await insertUser(sql, { ...user, passwordHash: 'second' })).toBeUndefined();
  expect((await findUser(sql, 'ada'))?.passwordHash).toBe('first');
});

it('a user who is disabled twice stays disabled since the first time', async () => {
  await insertUser(sql, { name: 'bob', passwordHash: '', scopes: [] });
  await disableUser(sql, 'bob');
  await sql`update users set disabled_at = '2020-01-01' where name = 'bob'`;
  await disableUser(sql, 'bob');
  const [row] = await sql`select disabled_at from users where name = 'bob'`;
  expect(row?.disabled_at).toEqual(new Date('2020-01-01'));
});
