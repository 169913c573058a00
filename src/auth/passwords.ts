import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Problem } from '../problems.ts';

/** OWASP's second choice for argon2id: 19 MiB, two passes, one lane (Password Storage Cheat Sheet). */
const memory = 19_456;
const passes = 2;
const parallelism = 1;
const saltLength = 16;
const tagLength = 32;

/**
 * Hashes at once. Each takes 19 MiB and one of libuv's four threads, which also read files and look up names; two more
 * waiting threads would gain nothing where the service has two cores.
 */
const atOnce = 2;
/** Hashes that may wait: some seconds of work. Further ones are refused rather than answered when nobody listens. */
const maxWaiting = 128;

const derive = promisify(argon2);

/** Returns a PHC string: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, base64 without padding. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(saltLength);
  return phcString(nonce, await inTurn({ message: prepare(password), nonce, parallelism, tagLength, memory, passes }));
}

/** Whether the password is the one that was hashed; the time it takes does not depend on the answer. */
export async function verifyPassword(phc: string, password: string): Promise<boolean> {
  const { tag, ...parameters } = parsePhc(phc);
  const found = await inTurn({ message: prepare(password), tagLength: tag.length, ...parameters });
  return timingSafeEqual(found, tag);
}

/** Costs as much to verify as any other and matches no password: for user names that are not known. */
export const dummyHash = phcString(randomBytes(saltLength), randomBytes(tagLength));

/**
 * Why the password may not be chosen; undefined where it may. Length is all that is asked for: rules of composition make
 * passwords worse (NIST SP 800-63B, section 3.1.1.2). Characters are Unicode code points.
 */
export function passwordFault(password: string): string | undefined {
  const { length } = [...prepare(password)];
  return length < 12 || length > 256
    ? `the password must have 12 to 256 characters; this one has ${length}`
    : undefined;
}

/** The same password from keyboards that compose accents differently (RFC 8265, section 4.2.2). */
const prepare = (password: string) => password.normalize('NFC');

function phcString(salt: Buffer, tag: Buffer): string {
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
}

const phcPattern =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** With its own parameters, so that hashes stay good when ours are raised. */
function parsePhc(phc: string) {
  const [, memory, passes, parallelism, salt = '', tag = ''] = phcPattern.exec(phc) ?? [];
  if (memory === undefined) throw new Error('a stored password hash is not an argon2id PHC string');
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    nonce: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn(parameters: Argon2Parameters): Promise<Buffer> {
  if (running >= atOnce) {
    if (waiting.length >= maxWaiting) {
      throw new Problem('unavailable', 'too many logins are waiting; try again shortly', { retryAfterSeconds: 5 });
    }
    // The place of the one that ends is handed on, so `running` stays as it is.
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running += 1;
  }
  try {
    return await derive('argon2id', parameters);
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
