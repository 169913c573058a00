import { beforeEach, expect, it, vi } from 'vitest';
import { userCommand } from '../../src/auth/commands.ts';
import { verifyPassword } from '../../src/auth/passwords.ts';
import { findUser } from '../../src/auth/queries.ts';
import { ensureDemoUser } from '../../src/auth/users.ts';
import { testDatabase } from '../support/database.ts';

const { sql } = await testDatabase();
const end = vi.fn(async () => {});

beforeEach(async () => {
  end.mockClear();
  await sql`delete from users`;
});

async function run(line: string, password = 'correct horse'): Promise<string[]> {
  const lines: string[] = [];
  const open = async () => ({ sql, end });
  await userCommand(line.split(' '), {
    config: {},
    open,
    out: (text) => lines.push(text),
    password: async () => password,
  });
  return lines;
}

it('adds a user with the usual scopes', async () => {
  expect(await run('add Ada')).toEqual(['added ada with the scopes claims:read, imports:read']);
  const user = await findUser(sql, 'ada');
  expect(user).toMatchObject({ scopes: ['claims:read', 'imports:read'], demo: false, disabled: false });
  expect(await verifyPassword(user?.passwordHash ?? '', 'correct horse')).toBe(true);
  expect(end).toHaveBeenCalledTimes(1);
});

it('adds a user with the scopes that are named, each once', async () => {
  await run('add ada --scope claims:export --scope claims:read --scope claims:export');
  expect((await findUser(sql, 'ada'))?.scopes).toEqual(['claims:export', 'claims:read']);
});

it('refuses to add a user who is there, and closes the database', async () => {
  await run('add ada');
  await expect(run('add ada', 'another password')).rejects.toThrow('There is a user ada already');
  expect(await verifyPassword((await findUser(sql, 'ada'))?.passwordHash ?? '', 'correct horse')).toBe(true);
  expect(end).toHaveBeenCalledTimes(2);
});

it('changes a password, ending the tokens so far', async () => {
  await run('add ada');
  await sql`update users set tokens_valid_from = '2020-01-01' where name = 'ada'`;
  const before = Date.now() / 1000;
  expect(await run('passwd ada', 'another password')).toEqual([
    'changed the password of ada; tokens issued before are refused within 10 seconds',
  ]);
  const user = await findUser(sql, 'ada');
  expect(await verifyPassword(user?.passwordHash ?? '', 'another password')).toBe(true);
  // The clock of the database is another machine's, perhaps.
  expect(user?.tokensValidFrom).toBeGreaterThan(before - 60);
});

it('disables a user, ending the tokens', async () => {
  await run('add ada');
  await sql`update users set tokens_valid_from = '2020-01-01' where name = 'ada'`;
  expect(await run('disable ada')).toEqual(['disabled ada; their tokens are refused within 10 seconds']);
  const user = await findUser(sql, 'ada');
  expect(user?.disabled).toBe(true);
  expect(user?.tokensValidFrom).toBeGreaterThan(Date.UTC(2021) / 1000);
});

it('lets a user in again who was disabled, and no token from before', async () => {
  await run('add ada --scope claims:export');
  await run('disable ada');
  const before = await findUser(sql, 'ada');
  expect(await run('enable ada')).toEqual(['enabled ada, who can log in with the password and the scopes of before']);
  expect(await findUser(sql, 'ada')).toEqual({ ...before, disabled: false });
});

it.each(['passwd nobody', 'disable nobody', 'enable nobody'])('says that there is no such user: %s', async (line) => {
  await expect(run(line)).rejects.toThrow('There is no user nobody; claims user list shows all of them.');
});

it('lists the users with their state, the day they were added and their scopes, and no hash', async () => {
  expect(await run('list')).toEqual(['there are no users yet; add one with: claims user add NAME']);
  await run('add grace --scope imports:write');
  await run('add ada');
  await run('disable ada');
  await ensureDemoUser(sql);
  await sql`update users set created_at = '2025-06-01'`;
  expect(await run('list')).toEqual([
    'ada    disabled  2025-06-01  claims:read imports:read',
    'demo   demo      2025-06-01  claims:read claims:export imports:read imports:write',
    'grace  active    2025-06-01  imports:write',
  ]);
});
