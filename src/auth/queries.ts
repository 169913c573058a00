import type { Sql } from '../db/client.ts';

export interface User {
  name: string;
  /** argon2id, PHC string format */
  passwordHash: string;
  scopes: string[];
  /** Logs in only while the service runs in demo mode. */
  demo: boolean;
  disabled: boolean;
  /** Tokens issued before are refused. Seconds since 1970, whole as a token's `iat` is. */
  tokensValidFrom: number;
}

export async function findUser(sql: Sql, name: string): Promise<User | undefined> {
  const [user] = await sql<User[]>`
    select
      name,
      password_hash as "passwordHash",
      to_json(scopes) as scopes,
      demo,
      disabled_at is not null as disabled,
      floor(extract(epoch from tokens_valid_from))::float8 as "tokensValidFrom"
    from users
    where name = ${name}`;
  return user;
}

/** What decides whether a user's tokens are still good. */
export type Standing = Pick<User, 'demo' | 'disabled' | 'tokensValidFrom'>;

export async function findStanding(sql: Sql, name: string): Promise<Standing | undefined> {
  const [standing] = await sql<Standing[]>`
    select
      demo,
      disabled_at is not null as disabled,
      floor(extract(epoch from tokens_valid_from))::float8 as "tokensValidFrom"
    from users
    where name = ${name}`;
  return standing;
}

export interface ListedUser {
  name: string;
  scopes: string[];
  demo: boolean;
  createdAt: Date;
  disabledAt: Date | null;
}

export async function listUsers(sql: Sql): Promise<ListedUser[]> {
  return await sql<ListedUser[]>`
    select name, to_json(scopes) as scopes, demo, created_at as "createdAt", disabled_at as "disabledAt"
    from users
    order by name`;
}

export type NewUser = Pick<User, 'name' | 'passwordHash' | 'scopes'>;

/** Returns the name; undefined where a user of that name exists, who stays as they are. */
export async function insertUser(sql: Sql, user: NewUser): Promise<string | undefined> {
  const [row] = await sql<{ name: string }[]>`
    insert into users (name, password_hash, scopes)
    values (${user.name}, ${user.passwordHash}, ${user.scopes})
    on conflict (name) do nothing
    returning name`;
  return row?.name;
}

/**
 * Ends the tokens issued so far: valid from the next whole second, as `iat` does not tell what came earlier within this
 * one. Returns the name; undefined where there is no such user.
 */
export async function setPassword(sql: Sql, name: string, passwordHash: string): Promise<string | undefined> {
  const [row] = await sql<{ name: string }[]>`
    update users
    set password_hash = ${passwordHash}, tokens_valid_from = date_trunc('second', now()) + interval '1 second'
    where name = ${name}
    returning name`;
  return row?.name;
}

/** Ends the tokens too, as setPassword does. A user who is disabled already stays disabled since then. */
export async function disableUser(sql: Sql, name: string): Promise<string | undefined> {
  const [row] = await sql<{ name: string }[]>`
    update users
    set
      disabled_at = coalesce(disabled_at, now()),
      tokens_valid_from = date_trunc('second', now()) + interval '1 second'
    where name = ${name}
    returning name`;
  return row?.name;
}

/** Lets the user log in again; tokens from before stay refused. Returns the name; undefined where there is no such user. */
export async function enableUser(sql: Sql, name: string): Promise<string | undefined> {
  const [row] = await sql<{ name: string }[]>`
    update users set disabled_at = null where name = ${name} returning name`;
  return row?.name;
}

/** Makes the demo user, or makes the user of that name the demo user, who is not disabled. */
export async function upsertDemoUser(sql: Sql, user: NewUser): Promise<void> {
  await sql`
    insert into users (name, password_hash, scopes, demo)
    values (${user.name}, ${user.passwordHash}, ${user.scopes}, true)
    on conflict (name) do update
    set password_hash = excluded.password_hash, scopes = excluded.scopes, demo = true, disabled_at = null`;
}
