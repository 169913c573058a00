import { hash, type KeyObject, randomUUID } from 'node:crypto';
import { errors, type JWTVerifyResult, jwtVerify, SignJWT } from 'jose';
import { Problem } from '../problems.ts';
import type { Keys } from './keys.ts';

export interface VerifiedToken {
  subject: string;
  scopes: readonly string[];
  /** `iat`: whole seconds since 1970 */
  issuedAt: number;
}

export interface Tokens {
  /**
   * A signed token and the seconds it is valid. It counts as issued now, or at `notBefore` (seconds since 1970) where
   * that is later: the database's clock, which says from when a user's tokens are good, may be ahead of ours.
   */
  issue(subject: string, scopes: readonly string[], notBefore?: number): Promise<{ token: string; expiresIn: number }>;
  /** Throws a Problem of kind unauthenticated that says which check failed. Whether the user is still let in is not checked. */
  verify(token: string): Promise<VerifiedToken>;
  /** Whether a token that was verified here would be again: it has not expired, and the keys have not changed. */
  isStillGood(token: VerifiedToken): boolean;
}

interface TokenSettings {
  keys: Keys;
  issuer: string;
  audience: string;
  lifetimeSeconds: number;
}

/** Tokens that are remembered as verified; some hundred bytes each. */
const maxRemembered = 10_000;
/** How far the clocks of replicas may be apart. */
const clockToleranceSeconds = 5;

/** Issues and verifies JSON Web Tokens (RFC 7519) signed with RS256. */
export function createTokens({ keys, issuer, audience, lifetimeSeconds }: TokenSettings): Tokens {
  let verified = new Map<string, VerifiedToken>();
  let expiries = new WeakMap<VerifiedToken, number>();
  keys.onChange(() => {
    verified = new Map();
    expiries = new WeakMap();
  });

  const isStillGood = (token: VerifiedToken) => (expiries.get(token) ?? 0) > nowSeconds();

  function findKey(kid: unknown): KeyObject {
    // Tokens of the time before key ids can only be of the key that still signs.
    const key = keys.verification(kid === undefined ? keys.signing().kid : String(kid));
    if (key === undefined) throw new errors.JWSSignatureVerificationFailed();
    return key;
  }

  return {
    async issue(subject, scopes, notBefore = 0) {
      const { kid, privateKey } = keys.signing();
      const issuedAt = Math.max(nowSeconds(), notBefore);
      const token = await new SignJWT({ scope: scopes.join(' ') })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeSeconds)
        .setJti(randomUUID())
        .sign(privateKey);
      return { token, expiresIn: lifetimeSeconds };
    },

    async verify(token) {
      // The hash, so that a dump of the memory yields no tokens but those of open connections (authenticate.ts).
      const digest = hash('sha256', token, 'base64');
      const remembered = verified.get(digest);
      if (remembered && isStillGood(remembered)) return remembered;

      // Where the keys change meanwhile, what is found out goes where nobody looks any more.
      const memory = verified;
      const until = expiries;
      const { payload } = await jwtVerify(token, ({ kid }) => findKey(kid), {
        algorithms: ['RS256'],
        issuer,
        audience,
        typ: 'JWT',
        requiredClaims: ['exp', 'iat', 'sub', 'scope'],
        clockTolerance: clockToleranceSeconds,
      }).catch(refuse);
      const result = toVerified(payload);
      memory.delete(digest);
      memory.set(digest, result);
      until.set(result, payload.exp as number);
      if (memory.size > maxRemembered) memory.delete(memory.keys().next().value as string);
      return result;
    },

    isStillGood,
  };
}

const nowSeconds = () => Math.floor(Date.now() / 1000);

function toVerified({ sub, scope, iat }: JWTVerifyResult['payload']): VerifiedToken {
  if (typeof sub !== 'string' || typeof scope !== 'string') throw unauthenticated('the token is malformed');
  return { subject: sub, scopes: scope.split(' ').filter(Boolean), issuedAt: iat as number };
}

const unauthenticated = (detail: string) => new Problem('unauthenticated', detail);

/** Details for claims and headers of which the reason of refusal tells the client what to do. */
const claimFaults: Record<string, string> = {
  iss: 'the token is of another issuer',
  aud: 'the token is for another audience',
  nbf: 'the token is not valid yet',
  typ: 'the token is not of the type JWT',
};

function refuse(error: unknown): never {
  if (error instanceof errors.JWTExpired) throw unauthenticated('the token has expired; log in again');
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim } = error;
    throw unauthenticated(
      error.reason === 'missing' || claimFaults[claim] === undefined
        ? `the token's claim ${claim} is missing or not of its type`
        : claimFaults[claim],
    );
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    throw unauthenticated("the token's signature is not by a key of this service");
  }
  if (error instanceof errors.JOSEAlgNotAllowed) throw unauthenticated('the token is not signed with RS256');
  if (error instanceof errors.JOSEError) throw unauthenticated('the token is malformed');
  throw error;
}
