import * as crypto from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dummyHash, hashPassword, passwordFault, verifyPassword } from '../../src/auth/passwords.ts';

vi.mock('node:crypto', { spy: true });

describe('a password hash', () => {
  it('is a PHC string of argon2id with 19 MiB and two passes, of another salt each time', async () => {
    const [first, second] = [await hashPassword('correct horse'), await hashPassword('correct horse')];
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(first).not.toBe(second);
  });

  it('verifies its password and no other', async () => {
    const hash = await hashPassword('correct horse');
    expect(await verifyPassword(hash, 'correct horse')).toBe(true);
    expect(await verifyPassword(hash, 'correct horsf')).toBe(false);
    expect(await verifyPassword(hash, '')).toBe(false);
  });

  it('of another program and other parameters verifies too', async () => {
    // From test.c of the reference implementation, github.com/P-H-C/phc-winner-argon2.
    const hash = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await verifyPassword(hash, 'password')).toBe(true);
    expect(await verifyPassword(hash, 'Password')).toBe(false);
  });

  it('verifies however the keyboard composes an accent', async () => {
    expect(await verifyPassword(await hashPassword('caf\u00e9 au lait'), 'cafe\u0301 au lait')).toBe(true);
  });

  it('for unknown users costs the same and matches nothing', async () => {
    const parameters = (phc: string) => phc.split('$').slice(0, 4).join('$');
    const hash = await hashPassword('x');
    expect(parameters(dummyHash)).toBe(parameters(hash));
    expect(dummyHash).toHaveLength(hash.length);
    expect(await verifyPassword(dummyHash, '')).toBe(false);
  });

  it.each(['', 'plain', '$2b$10$abcdefghijklmnopqrstuv', '$argon2id$v=19$m=1,t=1,p=1$$'])(
    'that is none fails: %j',
    async (stored) => {
      await expect(verifyPassword(stored, 'x')).rejects.toThrow('not an argon2id PHC string');
    },
  );
});

describe('hashing', () => {
  afterEach(() => void vi.mocked(crypto.argon2).mockReset());

  it('runs two at once, lets a bounded number wait, and refuses the rest', async () => {
    const running: (() => void)[] = [];
    vi.mocked(crypto.argon2).mockImplementation((_algorithm, _parameters, done) => {
      running.push(() => done(null, Buffer.alloc(32) as never));
    });
    const hashes = Array.from({ length: 2 + 128 }, () => hashPassword('x'));
    await expect(hashPassword('x')).rejects.toMatchObject({ kind: 'unavailable', retryAfterSeconds: 5 });

    let most = 0;
    for (let ended = 0; ended < hashes.length; ended += 1) {
      await vi.waitUntil(() => running.length > 0, { interval: 1 });
      most = Math.max(most, running.length);
      running.shift()?.();
      // Some arrive while others wait.
      if (ended > 0 && ended < 10) hashes.push(hashPassword('x'));
    }
    await Promise.all(hashes);
    expect(most).toBe(2);
  });

  it('goes on after a failure', async () => {
    vi.mocked(crypto.argon2).mockImplementation((_algorithm, _parameters, done) => {
      done(new Error('out of memory'), undefined as never);
    });
    for (let attempt = 0; attempt < 3; attempt += 1) await expect(hashPassword('x')).rejects.toThrow('out of memory');
    vi.mocked(crypto.argon2).mockReset();
    await expect(hashPassword('x')).resolves.toContain('argon2id');
  });
});

describe('a new password', () => {
  it.each([
    ['eleven characters', 'a'.repeat(11), false],
    ['twelve characters', 'a'.repeat(12), true],
    ['twelve characters of two code units each', '\u{1f511}'.repeat(12), true],
    ['eleven characters of two code units each', '\u{1f511}'.repeat(11), false],
    ['256 characters', 'a'.repeat(256), true],
    ['257 characters', 'a'.repeat(257), false],
  ])('of %s: allowed is %3$s', (_what, password, allowed) => {
    expect(passwordFault(password) === undefined).toBe(allowed);
  });

  it('that is too short is told its length, and is not repeated', () => {
    expect(passwordFault('hunter2')).toBe('the password must have 12 to 256 characters; this one has 7');
  });
});
