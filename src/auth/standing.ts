import type { Pool } from '../db/client.ts';
import { findStanding, type Standing } from './queries.ts';

/** So long may a disabled user, or a token from before a new password, still be let in. */
const rememberedSeconds = 10;
const maxRemembered = 10_000;

/** Whether the user's tokens that were issued then (`iat`, seconds since 1970) are still good. */
export type IsCurrent = (user: string, issuedAt: number) => Promise<boolean>;

/** Asks the database about a user once in ten seconds at most. */
export function createStandings(db: Pool, demo: boolean): IsCurrent {
  const remembered = new Map<string, { askedAt: number; standing: Promise<Standing | undefined> }>();

  function standingOf(user: string): Promise<Standing | undefined> {
    const askedAt = performance.now(); // the wall clock may be set back
    const known = remembered.get(user);
    if (known && askedAt - known.askedAt < rememberedSeconds * 1000) return known.standing;
    // The promise is kept, so that requests at the same time share one query.
    const standing = db.run((sql) => findStanding(sql, user));
    const entry = { askedAt, standing };
    remembered.delete(user);
    remembered.set(user, entry);
    if (remembered.size > maxRemembered) remembered.delete(remembered.keys().next().value as string);
    standing.catch(() => {
      if (remembered.get(user) === entry) remembered.delete(user);
    });
    return standing;
  }

  return async (user, issuedAt) => {
    const standing = await standingOf(user);
    if (standing === undefined || standing.disabled || (standing.demo && !demo)) return false;
    return issuedAt >= standing.tokensValidFrom;
  };
}
