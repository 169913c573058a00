import type { Connection } from '../db/client.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { findUser, upsertDemoUser } from './queries.ts';

/** What a token may be used for; a route names the one it needs in `config.scope`. */
export const scopes = ['claims:read', 'claims:export', 'imports:read', 'imports:write'] as const;
export type Scope = (typeof scopes)[number];

export const defaultScopes: Scope[] = ['claims:read', 'imports:read'];

/** Logs in with its name as the password, while CLAIMS_API_INSECURE_DEMO is on. */
export const demoUser = 'demo';

/** The name as it is stored, in lower case; undefined where no user can have it. */
export function parseUserName(text: string): string | undefined {
  const name = text.toLowerCase();
  return /^[a-z0-9][a-z0-9._@-]{0,63}$/.test(name) ? name : undefined;
}

/** Sees that the demo user is there and can log in. */
export async function ensureDemoUser(sql: Connection): Promise<void> {
  const user = await findUser(sql, demoUser);
  const asWanted =
    user?.demo &&
    !user.disabled &&
    scopes.every((scope) => user.scopes.includes(scope)) &&
    (await verifyPassword(user.passwordHash, demoUser));
  if (asWanted) return;
  await upsertDemoUser(sql, { name: demoUser, passwordHash: await hashPassword(demoUser), scopes: [...scopes] });
}
