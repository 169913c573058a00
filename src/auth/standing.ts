import type { Pool } from '../db/client.ts';
import { findStanding, type Standing } from './queries.ts';

/** So long may a disabled user, or a token from before a new password, still be let in. */
const rememberedSeconds = 10;
const maxRemembered = 10_000;

/**
 * Whether the user's tokens that were issued then (`iat`, seconds since 1970) are still good: at once, or where the
 * database is asked, later.
 */
export type IsCurrent = (user: string, issuedAt: number) => boolean | Promise<boolean>;

interface Remembered {
  askedAt: number;
  /** Kept, so that requests at the same time share one query. */
  answer: Promise<Standing | undefined>;
  /** The answer, once it is there; null where there is no such user. */
  standing?: Standing | null;
}

/** Asks the database about a user once in ten seconds at most. */
export function createStandings(db: Pool, demo: boolean): IsCurrent {
  const remembered = new Map<string, Remembered>();

  function ask(user: string): Remembered {
    const entry: Remembered = {
      askedAt: performance.now(), // the wall clock may be set back
      answer: db.run((sql) => findStanding(sql, user)),
    };
    remembered.delete(user);
    remembered.set(user, entry);
    if (remembered.size > maxRemembered) remembered.delete(remembered.keys().next().value as string);
    entry.answer.then(
      (standing) => {
        entry.standing = standing ?? null;
      },
      () => {
        if (remembered.get(user) === entry) remembered.delete(user);
      },
    );
    return entry;
  }

  function isGood(standing: Standing | null | undefined, issuedAt: number): boolean {
    if (!standing || standing.disabled || (standing.demo && !demo)) return false;
    return issuedAt >= standing.tokensValidFrom;
  }

  return (user, issuedAt) => {
    const known = remembered.get(user);
    const isRecent = known !== undefined && performance.now() - known.askedAt < rememberedSeconds * 1000;
    const { standing, answer } = isRecent ? known : ask(user);
    if (standing !== undefined) return isGood(standing, issuedAt);
    return answer.then((found) => isGood(found, issuedAt));
  };
}
