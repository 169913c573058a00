import { createHash, generateKeyPairSync } from 'node:crypto';
import * as fs from 'node:fs';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { KeyError, readKeyFiles } from '../../src/auth/key-files.ts';
import { type Keys, openKeys } from '../../src/auth/keys.ts';
import { aDirectory, aKeyDirectory, aLog, aPair, type Pair } from './fixtures.ts';

vi.mock('node:fs', { spy: true });
vi.mock('../../src/auth/key-files.ts', { spy: true });

const pair = aPair();
const other = aPair();

const pairFiles = ({ privatePem, publicPem }: Pair) => ({ jwt_key: privatePem, 'jwt_key.pub.pem': publicPem });

/** RFC 7638, section 3: the SHA-256 of the required members, in lexical order, without white space. */
function thumbprint({ publicKey }: Pair): string {
  const { e, n } = publicKey.export({ format: 'jwk' });
  return createHash('sha256').update(`{"e":"${e}","kty":"RSA","n":"${n}"}`).digest('base64url');
}

async function opened(directory: string, log = aLog().log): Promise<Keys> {
  const keys = await openKeys(directory, log);
  onTestFinished(() => keys.close());
  return keys;
}

/** Resolves with the next change. */
const changed = (keys: Keys) => new Promise<void>((resolve) => keys.onChange(resolve));

describe('the key directory', () => {
  it('gives the pair under its RFC 7638 thumbprint', async () => {
    const keys = await opened(await aKeyDirectory(pairFiles(pair)));
    const { kid, privateKey } = keys.signing();
    expect(kid).toBe(thumbprint(pair));
    expect(privateKey.equals(pair.privateKey)).toBe(true);
    expect(keys.verification(kid)?.equals(pair.publicKey)).toBe(true);
    expect(keys.verification('another')).toBeUndefined();
  });

  it('verifies with further public keys, each listed once and without private members', async () => {
    const directory = await aKeyDirectory({
      ...pairFiles(pair),
      '2024.pub.pem': other.publicPem,
      'copy.pub.pem': other.publicPem,
      'same.pub.pem': pair.publicPem,
      'notes.txt': 'not a key',
    });
    const keys = await opened(directory);
    expect(keys.verification(thumbprint(other))?.equals(other.publicKey)).toBe(true);
    expect(keys.jwks().keys.map(({ kid }) => kid)).toEqual([thumbprint(pair), thumbprint(other)]);
    const { n, e } = pair.publicKey.export({ format: 'jwk' });
    expect(keys.jwks().keys[0]).toEqual({ kty: 'RSA', n, e, kid: thumbprint(pair), alg: 'RS256', use: 'sig' });
  });

  it('takes PKCS#1 and a private key that its group may read', async () => {
    const pkcs1 = pair.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string;
    const publicPkcs1 = pair.publicKey.export({ type: 'pkcs1', format: 'pem' }) as string;
    const directory = await aKeyDirectory({ jwt_key: pkcs1, 'jwt_key.pub.pem': publicPkcs1 });
    await chmod(join(directory, 'jwt_key'), 0o640);
    expect((await opened(directory)).signing().kid).toBe(thumbprint(pair));
  });

  const ec = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const short = aPair(1024);
  const encrypted = pair.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  const { jwt_key, 'jwt_key.pub.pem': pub } = pairFiles(pair);
  const faults: [string, Record<string, string>, RegExp][] = [
    ['no private key', { 'jwt_key.pub.pem': pub }, /\/jwt_key does not exist: .*claims keys generate/],
    ['no public key', { jwt_key }, /\/jwt_key\.pub\.pem does not exist: .*claims keys generate/],
    ['an empty file', { jwt_key: '', 'jwt_key.pub.pem': pub }, /\/jwt_key is not PEM/],
    ['a file that is not PEM', { jwt_key, 'jwt_key.pub.pem': 'ssh-rsa AAAA' }, /jwt_key\.pub\.pem is not PEM/],
    ['the files swapped', { jwt_key: pub, 'jwt_key.pub.pem': jwt_key }, /\/jwt_key holds a public key.*swapped/],
    ['a private key as the public one', { jwt_key, 'jwt_key.pub.pem': jwt_key }, /pub\.pem holds a private key/],
    [
      'a parameter file',
      { jwt_key, 'jwt_key.pub.pem': '-----BEGIN DH PARAMETERS-----\n' },
      /holds DH PARAMETERS: expec/,
    ],
    ['a bad certificate', { jwt_key, 'jwt_key.pub.pem': '-----BEGIN CERTIFICATE-----\n' }, /pem cannot be decoded/],
    ['a passphrase', { jwt_key: encrypted as string, 'jwt_key.pub.pem': pub }, /holds ENCRYPTED PRIVATE KEY.*without/],
    [
      'a damaged key',
      { jwt_key: jwt_key.replace(/\n.{64}\n/, '\n'), 'jwt_key.pub.pem': pub },
      /jwt_key cannot be decoded/,
    ],
    ['a key that is not RSA', { jwt_key: ec.privateKey, 'jwt_key.pub.pem': ec.publicKey }, /jwt_key is of type ec/],
    ['a short key', pairFiles(short), /jwt_key has 1024 bits: RS256 needs at least 2048/],
    [
      'another public key',
      { jwt_key, 'jwt_key.pub.pem': other.publicPem },
      /pub\.pem is not the public key of .*jwt_key:/,
    ],
    ['a short further key', { ...pairFiles(pair), 'old.pub.pem': short.publicPem }, /old\.pub\.pem has 1024 bits/],
    ['a private further key', { ...pairFiles(pair), 'old.pub.pem': jwt_key }, /old\.pub\.pem holds a private key/],
  ];
  it.each(faults)('refuses %s in one line without key material', async (_fault, files, message) => {
    const error = await openKeys(await aKeyDirectory(files), aLog().log).catch((error) => error);
    expect(error).toBeInstanceOf(KeyError);
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/\n|[A-Za-z0-9+]{40}/);
  });

  it('refuses a directory that is not there', async () => {
    const opening = openKeys(join(await aDirectory(), 'none'), aLog().log);
    await expect(opening).rejects.toThrow(/none does not exist: .*claims keys generate/);
  });

  it('refuses a private key that everybody may read, and says how to mend it', async () => {
    const directory = await aKeyDirectory(pairFiles(pair));
    await chmod(join(directory, 'jwt_key'), 0o644);
    await expect(openKeys(directory, aLog().log)).rejects.toThrow(
      `${directory}/jwt_key is open to everybody (mode 0644): chmod 0640 ${directory}/jwt_key`,
    );
  });
});

describe('a rotation', () => {
  /** A directory as Kubernetes mounts a secret: the files are links through `..data`, which is swapped. */
  async function aMountedSecret(files: Record<string, string>) {
    const directory = await aDirectory();
    let version = 0;
    const put = async (files: Record<string, string>) => {
      version += 1;
      await mkdir(join(directory, `..${version}`));
      for (const [name, text] of Object.entries(files)) {
        await writeFile(join(directory, `..${version}`, name), text, { mode: 0o640 });
      }
      await symlink(`..${version}`, join(directory, '..data_tmp'));
      await rename(join(directory, '..data_tmp'), join(directory, '..data'));
    };
    await put(files);
    for (const name of Object.keys(files)) await symlink(`..data/${name}`, join(directory, name));
    return { directory, put };
  }

  it('of a mounted secret takes effect, ending the key that is gone', async () => {
    const { directory, put } = await aMountedSecret(pairFiles(pair));
    const { log, lines } = aLog();
    const keys = await opened(directory, log);
    const change = changed(keys);
    await put(pairFiles(other));
    await change;
    expect(keys.signing().kid).toBe(thumbprint(other));
    expect(keys.verification(thumbprint(pair))).toBeUndefined();
    await vi.waitFor(() => expect(lines.join()).toContain(`keys reloaded: ${thumbprint(other)} signs, 1 verify`));
  });

  it('keeps the old keys while the directory is faulty, and goes on when it is mended', async () => {
    const directory = await aKeyDirectory(pairFiles(pair));
    const { log, lines } = aLog();
    const keys = await opened(directory, log);
    const change = changed(keys);
    await writeFile(join(directory, 'jwt_key.pub.pem'), other.publicPem);
    await vi.waitFor(() => expect(lines.join()).toContain('the keys stay as they were'), 5000);
    expect(keys.signing().kid).toBe(thumbprint(pair));
    expect(keys.verification(thumbprint(pair))).toBeDefined();

    await writeFile(join(directory, 'jwt_key'), other.privatePem);
    await change;
    expect(keys.signing().kid).toBe(thumbprint(other));
  });

  describe('where the file system reports no changes', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      vi.mocked(fs.watch).mockImplementation(() => {
        throw Object.assign(new Error('no more watches'), { code: 'ENOSPC' });
      });
    });
    afterEach(() => {
      vi.useRealTimers();
      vi.mocked(fs.watch).mockReset();
    });

    it('is noticed within half a minute', async () => {
      const directory = await aKeyDirectory({ ...pairFiles(pair), 'old.pub.pem': other.publicPem });
      const { log, lines } = aLog();
      const keys = await opened(directory, log);
      expect(lines.join()).toContain('watching failed');
      const change = changed(keys);
      await rm(join(directory, 'old.pub.pem'));
      vi.advanceTimersByTime(30_000);
      await change;
      expect(keys.verification(thumbprint(other))).toBeUndefined();
    });

    it('that changes no key is not told', async () => {
      const directory = await aKeyDirectory(pairFiles(pair));
      const { log, lines } = aLog();
      const keys = await opened(directory, log);
      const listener = vi.fn();
      keys.onChange(listener);
      await writeFile(join(directory, 'copy.pub.pem'), pair.publicPem);
      vi.mocked(readKeyFiles).mockClear();
      vi.advanceTimersByTime(60_000);
      // Looks come one after the other, so the first is over when the second has read.
      await vi.waitUntil(() => vi.mocked(readKeyFiles).mock.settledResults.length === 2);
      expect(listener).not.toHaveBeenCalled();
      expect(lines.join()).not.toContain('reloaded');
    });

    it('that fails is logged once, not at each look', async () => {
      const directory = await aKeyDirectory(pairFiles(pair));
      const { log, lines } = aLog();
      await opened(directory, log);
      await rm(join(directory, 'jwt_key'));
      vi.mocked(readKeyFiles).mockClear();
      vi.advanceTimersByTime(90_000);
      await vi.waitUntil(() => vi.mocked(readKeyFiles).mock.settledResults.length === 3);
      expect(lines.filter((line) => line.includes('the keys stay as they were'))).toHaveLength(1);
    });
  });
});
