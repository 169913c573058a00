import { hash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Problem } from '../problems.ts';

const windowSeconds = 60;

export interface FailureLimit {
  /**
   * Counts an attempt as failed before it is made, so that attempts at the same time cannot pass the limit together.
   * Returns what takes the count back. Throws a Problem of kind too-many-failures where the limit is reached.
   */
  reserve(name: string, address: string): Promise<() => Promise<void>>;
}

/** At most so many failures a minute for one user name, known or not, and for one address. Of this process only. */
export function createFailureLimit(failuresPerMinute: number): FailureLimit {
  let limiters: ReturnType<typeof createLimiters> | undefined;

  return {
    async reserve(name, address) {
      limiters ??= createLimiters(failuresPerMinute);
      const { names, addresses } = await limiters;
      const nameKey = hash('sha256', name);
      const addressKey = network(address);
      await take(addresses, addressKey);
      try {
        await take(names, nameKey);
      } catch (error) {
        await giveBack(addresses, addressKey);
        throw error;
      }
      return async () => {
        await giveBack(addresses, addressKey);
        await giveBack(names, nameKey);
      };
    },
  };
}

/** At the first login: the package brings along clients of every store that there is, for 1 MB. */
async function createLimiters(points: number) {
  const { default: limiters } = await import('rate-limiter-flexible'); // CommonJS: in the bundle it has no other export.
  // Entries end with their window and have keys of bounded length, so memory is bounded by the rate of attempts.
  const create = () => new limiters.RateLimiterMemory({ points, duration: windowSeconds });
  return { names: create(), addresses: create() };
}

async function take(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // An attempt that is refused here was not made.
    await giveBack(limiter, key);
    const seconds = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
    throw new Problem(
      'too-many-failures',
      `too many failed logins with this name or from this address; try again in ${seconds} s`,
      { retryAfterSeconds: seconds },
    );
  }
}

/** Where the window has ended meanwhile there is nothing to take back: a negative count would raise the next one's limit. */
async function giveBack(limiter: RateLimiterMemory, key: string): Promise<void> {
  if (((await limiter.get(key))?.consumedPoints ?? 0) > 0) await limiter.reward(key);
}

/** An IPv6 client commonly has a /64 to itself, and so 2^64 addresses to try from: they count as one. */
function network(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [before = [], after = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  const prefix = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(':')}::/64`;
}

/** Its RateLimiterRes, which is no error. */
const isRefusal = (error: unknown): error is RateLimiterRes => !(error instanceof Error);
