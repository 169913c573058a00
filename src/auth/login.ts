import type { Pool } from '../db/client.ts';
import { Problem } from '../problems.ts';
import { createFailureLimit } from './failures.ts';
import { dummyHash, verifyPassword } from './passwords.ts';
import { findUser, type User } from './queries.ts';
import type { Tokens } from './tokens.ts';
import { parseUserName } from './users.ts';

interface LoginSettings {
  db: Pool;
  tokens: Tokens;
  failuresPerMinute: number;
  /** Whether the demo user may log in. */
  demo: boolean;
}

export interface LoginAnswer {
  token: string;
  tokenType: 'Bearer';
  /** seconds */
  expiresIn: number;
  /** separated by spaces (RFC 6749, section 3.3) */
  scope: string;
}

/**
 * Throws a Problem of kind unauthenticated, or too-many-failures. Who is not let in learns nothing from it about which
 * users there are: answer and work are the same for unknown users, wrong passwords and disabled users.
 */
export type Login = (username: string, password: string, address: string) => Promise<LoginAnswer>;

export function createLogin({ db, tokens, failuresPerMinute, demo }: LoginSettings): Login {
  const failures = createFailureLimit(failuresPerMinute);

  async function authenticate(username: string, password: string): Promise<User | undefined> {
    const name = parseUserName(username);
    const user = name === undefined ? undefined : await db.run((sql) => findUser(sql, name));
    const matches = await verifyPassword(user?.passwordHash ?? dummyHash, password);
    return matches && user && !user.disabled && (demo || !user.demo) ? user : undefined;
  }

  return async (username, password, address) => {
    const giveBack = await failures.reserve(username.toLowerCase(), address);
    let user: User | undefined;
    try {
      user = await authenticate(username, password);
    } catch (error) {
      await giveBack(); // the database's failure, not the client's
      throw error;
    }
    if (user === undefined) throw new Problem('unauthenticated', 'the user name or the password is wrong');
    await giveBack();
    const { token, expiresIn } = await tokens.issue(user.name, user.scopes, user.tokensValidFrom);
    return { token, tokenType: 'Bearer', expiresIn, scope: user.scopes.join(' ') };
  };
}
