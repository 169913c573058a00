import { createHmac, createSign, type KeyObject } from 'node:crypto';
import * as jose from 'jose';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTokens } from '../../src/auth/tokens.ts';
import { Problem } from '../../src/problems.ts';
import { aPair, someKeys } from './fixtures.ts';

vi.mock('jose', { spy: true });

const current = aPair();
const earlier = aPair();
const foreign = aPair();
const now = Date.UTC(2025, 5, 1, 12) / 1000;

beforeEach(() => void vi.useFakeTimers({ now: now * 1000, toFake: ['Date'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.mocked(jose.jwtVerify).mockClear();
});

function setUp() {
  const keys = someKeys({ current, earlier });
  return { keys, tokens: createTokens({ keys, issuer: 'claims-api', audience: 'claims.test', lifetimeSeconds: 3600 }) };
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const header = { alg: 'RS256', typ: 'JWT', kid: 'current' };
const claims = {
  iss: 'claims-api',
  aud: 'claims.test',
  sub: 'ada',
  iat: now,
  exp: now + 3600,
  scope: 'claims:read imports:read',
};

/** Signs by hand, so that what no library would sign can be tried. */
function sign(header: object, claims: object, key: KeyObject = current.privateKey): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${createSign('sha256').update(input).sign(key, 'base64url')}`;
}

const without = (from: object, name: string) =>
  Object.fromEntries(Object.entries(from).filter(([key]) => key !== name));

describe('an issued token', () => {
  it('names its key, issuer, audience, subject, scopes and times', async () => {
    const { tokens } = setUp();
    const { token, expiresIn } = await tokens.issue('ada', ['claims:read', 'imports:read']);
    expect(expiresIn).toBe(3600);
    expect(decodeProtectedHeader(token)).toEqual(header);
    expect(decodeJwt(token)).toEqual({ ...claims, jti: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });

  it('verifies', async () => {
    const { tokens } = setUp();
    const { token } = await tokens.issue('ada', ['claims:read', 'imports:read']);
    expect(await tokens.verify(token)).toEqual({
      subject: 'ada',
      scopes: ['claims:read', 'imports:read'],
      issuedAt: now,
    });
  });

  it("counts from the time the user's tokens are good, where the database's clock is ahead", async () => {
    const { tokens } = setUp();
    const { token } = await tokens.issue('ada', [], now + 2);
    expect(decodeJwt(token)).toMatchObject({ iat: now + 2, exp: now + 3602 });
    expect((await tokens.verify(token)).issuedAt).toBe(now + 2);
  });
});

describe('a token', () => {
  it.each([
    ['of a key that still verifies', sign({ ...header, kid: 'earlier' }, claims, earlier.privateKey)],
    ['without key id, of the key that signs', sign(without(header, 'kid'), claims)],
    ['for several audiences, ours among them', sign(header, { ...claims, aud: ['other', 'claims.test'] })],
    ['expired since less than the clocks may differ', sign(header, { ...claims, exp: now - 4 })],
    ['valid from less than the clocks may differ', sign(header, { ...claims, nbf: now + 4 })],
  ])('is accepted: %s', async (_which, token) => {
    expect(await setUp().tokens.verify(token)).toMatchObject({ subject: 'ada' });
  });

  const notOurs = "the token's signature is not by a key of this service";
  const publicPem = current.publicPem;
  const hs256 = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
  const [head, , signature] = sign(header, claims).split('.');
  const embedded = { ...header, kid: undefined, jwk: foreign.publicKey.export({ format: 'jwk' }) };
  const refused: [string, string, string][] = [
    [
      'of algorithm none',
      `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
      'the token is not signed with RS256',
    ],
    [
      'of HS256 with the public key as the secret',
      `${hs256}.${createHmac('sha256', publicPem).update(hs256).digest('base64url')}`,
      'the token is not signed with RS256',
    ],
    ['of RS512', sign({ ...header, alg: 'RS512' }, claims), 'the token is not signed with RS256'],
    ['of an unknown key', sign({ ...header, kid: 'foreign' }, claims, foreign.privateKey), notOurs],
    ['of an unknown key under a known id', sign(header, claims, foreign.privateKey), notOurs],
    ['of an unknown key that it brings along', sign(embedded, claims, foreign.privateKey), notOurs],
    ['without key id, of an earlier key', sign(without(header, 'kid'), claims, earlier.privateKey), notOurs],
    ['with a tampered payload', `${head}.${encode({ ...claims, sub: 'eve' })}.${signature}`, notOurs],
    ['without signature', `${head}.${encode(claims)}.`, notOurs],
    ['of another issuer', sign(header, { ...claims, iss: 'other' }), 'the token is of another issuer'],
    ['without issuer', sign(header, without(claims, 'iss')), "the token's claim iss is missing or not of its type"],
    ['for another audience', sign(header, { ...claims, aud: 'other' }), 'the token is for another audience'],
    ['without audience', sign(header, without(claims, 'aud')), "the token's claim aud is missing or not of its type"],
    ['that has expired', sign(header, { ...claims, exp: now - 5 }), 'the token has expired; log in again'],
    ['without expiry', sign(header, without(claims, 'exp')), "the token's claim exp is missing or not of its type"],
    [
      'whose expiry is text',
      sign(header, { ...claims, exp: '9999999999' }),
      "the token's claim exp is missing or not of its type",
    ],
    ['that is not valid yet', sign(header, { ...claims, nbf: now + 6 }), 'the token is not valid yet'],
    ['without subject', sign(header, without(claims, 'sub')), "the token's claim sub is missing or not of its type"],
    ['whose subject is a number', sign(header, { ...claims, sub: 7 }), 'the token is malformed'],
    ['whose scopes are a list', sign(header, { ...claims, scope: ['claims:read'] }), 'the token is malformed'],
    ['of another type', sign({ ...header, typ: 'at+jwt' }, claims), 'the token is not of the type JWT'],
    ['without type', sign(without(header, 'typ'), claims), 'the token is not of the type JWT'],
    ['with a critical extension', sign({ ...header, crit: ['b64'], b64: false }, claims), 'the token is malformed'],
    ['of two parts', sign(header, claims).split('.').slice(0, 2).join('.'), 'the token is malformed'],
    ['that is none', 'opensesame', 'the token is malformed'],
  ];
  it.each(refused)('is refused: %s', async (_which, token, detail) => {
    const error = await setUp()
      .tokens.verify(token)
      .catch((error) => error);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ kind: 'unauthenticated', message: detail });
  });
});

describe('a verified token', () => {
  it('is not verified again', async () => {
    const { tokens } = setUp();
    const { token } = await tokens.issue('ada', []);
    const first = await tokens.verify(token);
    expect(await tokens.verify(token)).toEqual(first);
    expect(jose.jwtVerify).toHaveBeenCalledTimes(1);
  });

  it('is refused once it has expired', async () => {
    const { tokens } = setUp();
    const { token } = await tokens.issue('ada', []);
    await tokens.verify(token);
    vi.setSystemTime((now + 3600 + 5) * 1000);
    await expect(tokens.verify(token)).rejects.toThrow('the token has expired');
  });

  it('is refused once its key is gone', async () => {
    const { tokens, keys } = setUp();
    const { token } = await tokens.issue('ada', []);
    await tokens.verify(token);
    keys.change({ earlier });
    await expect(tokens.verify(token)).rejects.toThrow('not by a key of this service');
  });

  it('is refused once its key is gone, though that went while it was verified', async () => {
    const { tokens, keys } = setUp();
    const { token } = await tokens.issue('ada', []);
    const verifying = tokens.verify(token);
    keys.change({ earlier });
    await verifying.catch(() => {});
    await expect(tokens.verify(token)).rejects.toThrow('not by a key of this service');
  });

  it('stays good when another key signs and its own still verifies', async () => {
    const { tokens, keys } = setUp();
    const { token } = await tokens.issue('ada', []);
    keys.change({ earlier, current });
    expect((await tokens.verify(token)).subject).toBe('ada');
    expect(decodeProtectedHeader((await tokens.issue('ada', [])).token).kid).toBe('earlier');
  });
});
