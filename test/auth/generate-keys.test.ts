import { createPublicKey } from 'node:crypto';
import { chmod, chown, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generateKeys } from '../../src/auth/generate-keys.ts';
import { readKeyFiles } from '../../src/auth/key-files.ts';
import { aDirectory, aKeyDirectory, aPair } from './fixtures.ts';

const pair = aPair();
const isRoot = process.getuid?.() === 0;
const ownGroup = process.getgid?.() ?? 0;
const someGroup = isRoot ? 54_321 : ownGroup;

async function modeOf(...path: string[]): Promise<string> {
  return ((await stat(join(...path))).mode & 0o777).toString(8);
}

it('makes a pair of 3072 bits, its private half for its owner only, and nothing else', async () => {
  const directory = join(await aDirectory(), 'keys');
  const written = await generateKeys(directory, { ifMissing: false });
  expect(written).toEqual([join(directory, 'jwt_key'), join(directory, 'jwt_key.pub.pem')]);
  expect((await readdir(directory)).sort()).toEqual(['jwt_key', 'jwt_key.pub.pem']);
  expect(await modeOf(directory, 'jwt_key')).toBe('600');
  expect(await modeOf(directory, 'jwt_key.pub.pem')).toBe('644');
  const { signing } = await readKeyFiles(directory);
  expect(signing.privateKey.asymmetricKeyDetails?.modulusLength).toBe(3072);
});

it('lets a group read the private key', async () => {
  const directory = await aDirectory();
  await generateKeys(directory, { ifMissing: false, group: someGroup });
  expect(await modeOf(directory, 'jwt_key')).toBe('640');
  expect((await stat(join(directory, 'jwt_key'))).gid).toBe(someGroup);
});

it.each(['jwt_key', 'jwt_key.pub.pem'])('refuses to write where %s is', async (file) => {
  const directory = await aKeyDirectory({ [file]: 'precious' });
  await expect(generateKeys(directory, { ifMissing: false })).rejects.toThrow(`${file} exists already`);
  expect(await readdir(directory)).toEqual([file]);
  expect(await readFile(join(directory, file), 'utf8')).toBe('precious');
});

it('keeps a pair that is there, if only a missing one is asked for', async () => {
  const files = { jwt_key: pair.privatePem, 'jwt_key.pub.pem': pair.publicPem };
  const directory = await aKeyDirectory(files);
  expect(await generateKeys(directory, { ifMissing: true })).toEqual([]);
  expect(await readFile(join(directory, 'jwt_key'), 'utf8')).toBe(files.jwt_key);
  expect(await readFile(join(directory, 'jwt_key.pub.pem'), 'utf8')).toBe(files['jwt_key.pub.pem']);
});

it('derives a public key that is missing', async () => {
  const directory = await aKeyDirectory({ jwt_key: pair.privatePem });
  expect(await generateKeys(directory, { ifMissing: true })).toEqual([join(directory, 'jwt_key.pub.pem')]);
  const derived = createPublicKey(await readFile(join(directory, 'jwt_key.pub.pem')));
  expect(derived.equals(pair.publicKey)).toBe(true);
});

it('refuses a public key without its private one', async () => {
  const directory = await aKeyDirectory({ 'jwt_key.pub.pem': pair.publicPem });
  await expect(generateKeys(directory, { ifMissing: true })).rejects.toThrow(/is there without its private key/);
});

it('refuses to derive a public key from what is no private one', async () => {
  const directory = await aKeyDirectory({ jwt_key: 'nonsense' });
  await expect(generateKeys(directory, { ifMissing: true })).rejects.toThrow(/jwt_key is no private key in PEM/);
});

it('opens a private key that is there to the group, and to nobody else', async () => {
  const directory = await aKeyDirectory({ jwt_key: pair.privatePem, 'jwt_key.pub.pem': pair.publicPem });
  expect(await generateKeys(directory, { ifMissing: true, group: someGroup })).toEqual([]);
  expect(await modeOf(directory, 'jwt_key')).toBe('640');
  expect((await stat(join(directory, 'jwt_key'))).gid).toBe(someGroup);
});

it('does not follow a link to open what it leads to', async () => {
  const elsewhere = await aKeyDirectory({ secret: 'of another' });
  const directory = await aKeyDirectory({ 'jwt_key.pub.pem': pair.publicPem });
  await symlink(join(elsewhere, 'secret'), join(directory, 'jwt_key'));
  await expect(generateKeys(directory, { ifMissing: true, group: someGroup })).rejects.toThrow(/is a symbolic link/);
  expect(await modeOf(elsewhere, 'secret')).toBe('600');
});

it.runIf(isRoot)("gives what root makes to the directory's owner", async () => {
  const directory = await aDirectory();
  await chown(directory, 12_345, 23_456);
  await generateKeys(directory, { ifMissing: true, group: someGroup });
  await rm(join(directory, 'jwt_key.pub.pem'));
  await generateKeys(directory, { ifMissing: true });
  expect(await stat(join(directory, 'jwt_key'))).toMatchObject({ uid: 12_345, gid: someGroup });
  expect(await stat(join(directory, 'jwt_key.pub.pem'))).toMatchObject({ uid: 12_345, gid: 23_456 });
});

it.runIf(isRoot)('leaves the owner of a private key that it opens to a group', async () => {
  const directory = await aKeyDirectory({ jwt_key: pair.privatePem, 'jwt_key.pub.pem': pair.publicPem });
  await chown(join(directory, 'jwt_key'), 12_345, 23_456);
  await generateKeys(directory, { ifMissing: true, group: someGroup });
  expect(await stat(join(directory, 'jwt_key'))).toMatchObject({ uid: 12_345, gid: someGroup });
});

it.skipIf(isRoot)('says that the directory cannot be written', async () => {
  const directory = await aDirectory();
  await chmod(directory, 0o500);
  await expect(generateKeys(directory, { ifMissing: false })).rejects.toThrow(/cannot be written: EACCES/);
});

it('says that a file stands where the directory should', async () => {
  const path = join(await aDirectory(), 'file');
  await writeFile(path, '');
  await expect(generateKeys(path, { ifMissing: false })).rejects.toThrow(/cannot be written: EEXIST/);
});
