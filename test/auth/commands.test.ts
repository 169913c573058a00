import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keysCommand, userCommand } from '../../src/auth/commands.ts';
import { UsageError } from '../../src/usage.ts';
import { aDirectory, aKeyDirectory, aPair } from './fixtures.ts';

async function keys(directory: string, ...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  await keysCommand(args, { keysDirectory: directory }, (line) => lines.push(line));
  return lines;
}

/** Fails where the database would be opened: what is wrong with the arguments is found before. */
const user = (...args: string[]) =>
  userCommand(args, {
    config: {},
    open: () => Promise.reject(new Error('the database was opened')),
    out: () => {},
    password: async () => 'a'.repeat(11),
  });

describe('claims keys', () => {
  it('generates a pair, and lists it', async () => {
    const directory = await aDirectory();
    expect(await keys(directory, 'generate')).toEqual([
      `wrote ${directory}/jwt_key`,
      `wrote ${directory}/jwt_key.pub.pem`,
    ]);
    expect(await keys(directory, 'list')).toEqual([
      expect.stringMatching(/^[\w-]{43} {2}signs and verifies {2}jwt_key\.pub\.pem$/),
    ]);
    await expect(keys(directory, 'generate')).rejects.toThrow('exists already');
    expect(await keys(directory, 'generate', '--if-missing')).toEqual([`kept the key pair in ${directory}`]);
  });

  it('lists keys that only verify', async () => {
    const [pair, old] = [aPair(), aPair()];
    const files = { jwt_key: pair.privatePem, 'jwt_key.pub.pem': pair.publicPem, 'old.pub.pem': old.publicPem };
    const [, second] = await keys(await aKeyDirectory(files), 'list');
    expect(second).toMatch(/^[\w-]{43} {2}verifies {12}old\.pub\.pem$/);
  });

  it('generates elsewhere, and gives the private key to a group', async () => {
    const directory = join(await aDirectory(), 'other');
    await keys('/nonexistent', 'generate', '--directory', directory, '--group', String(process.getgid?.() ?? 0));
    await access(join(directory, 'jwt_key'));
    expect(await readFile(join(directory, 'jwt_key.pub.pem'), 'utf8')).toContain('BEGIN PUBLIC KEY');
  });

  it.each([
    [[], /^Usage:/],
    [['rotate'], /^There is no command keys rotate\.\nUsage:/],
    [['generate', 'here'], /^Expected no further arguments\.\nUsage:/],
    [['generate', '--force'], /^Unknown option '--force'(.|\n)*\nUsage:/],
    [['generate', '--group', 'staff'], /^--group: expected the numeric id of a group, found "staff"$/],
    [['list', '--if-missing'], /Unknown option '--if-missing'/],
  ])('refuses %j', async (args, message) => {
    const failure = keys(await aDirectory(), ...args);
    await expect(failure).rejects.toThrow(UsageError);
    await expect(failure).rejects.toThrow(message);
  });
});

describe('claims user', () => {
  it.each([
    [[], /^Usage:/],
    [['remove', 'ada'], /^There is no command user remove\.\nUsage:/],
    [['add'], /^Expected exactly one NAME\.\nUsage:/],
    [['add', 'ada', 'bob'], /^Expected exactly one NAME\./],
    [['add', 'ada', '--password', 'x'], /Unknown option '--password'/],
    [['add', 'ada lovelace'], /^"ada lovelace" is no user name: expected up to 64 of a-z/],
    [['add', 'ada', '--scope', 'claims:write'], /^--scope: expected one of claims:read, .*, found "claims:write"$/],
    [['add', 'Demo'], /^The user demo is not managed here: CLAIMS_API_INSECURE_DEMO/],
    [['disable', 'demo'], /^The user demo is not managed here/],
    [['add', 'ada'], /^Nothing was changed: the password must have 12 to 256 characters; this one has 11\.$/],
    [['passwd', 'ada'], /^Nothing was changed: the password must have 12/],
    [['list', 'ada'], /^Expected no further arguments\./],
  ])('refuses %j before the database is opened', async (args, message) => {
    const failure = user(...args);
    await expect(failure).rejects.toThrow(UsageError);
    await expect(failure).rejects.toThrow(message);
  });
});
