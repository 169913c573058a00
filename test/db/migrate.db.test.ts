import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { connect } from '../../src/db/client.ts';
import { knownMigrations, migrate } from '../../src/db/migrate.ts';
import { openDatabase } from '../../src/db/open.ts';
import { createLogger } from '../../src/log.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

/** As a program did that knew no others. */
async function migrateTo({ sql }: TestDatabase, last: number): Promise<void> {
  await sql`create table schema_migrations (version integer primary key, name text, applied_at timestamptz default now())`;
  for (const { version, name } of (await knownMigrations()).slice(0, last)) {
    const file = new URL(`../../src/db/migrations/${String(version).padStart(4, '0')}_${name}.sql`, import.meta.url);
    await sql.unsafe(await readFile(file, 'utf8'));
    await sql`insert into schema_migrations (version, name) values (${version}, ${name})`;
  }
}

const db = await testDatabase('template0');
const log = createLogger({ logLevel: 'silent', logFormat: 'json' });

it('migrates once when replicas start together', async () => {
  const replicas = Array.from({ length: 4 }, () => connect(db.url, { name: 'replica' }));
  await Promise.all(replicas.map((sql) => migrate(sql, log)));
  await Promise.all(replicas.map((sql) => sql.end()));
  const applied = await db.sql`select version, name from schema_migrations order by version`;
  expect(applied).toEqual(await knownMigrations());
});

it('numbers the claims that are there already, and their earlier states as them', async () => {
  const old = await testDatabase('template0');
  const state = (id: string, version: number) => old.sql`
    ${`00000000-0000-8000-8000-00000000000${id}`}, 'urn:x', ${id}, 'professional', 'paid', 'P', '2024-03-18', '2024-03-18',
    '{}', '{}', '{}', '', ${version}, ${randomUUID()}, now()`;
  const columns = old.sql`
    id, identifier_system, identifier_value, type, status, patient_id, service_date, service_date_end, diagnoses, procedures,
    document, hash, version, import_id, updated_at`;
  await migrateTo(old, 8);
  await old.sql`
    insert into claims (${columns}) values (${state('9', 2)}), (${state('5', 1)}), (${state('7', 3)})`;
  const ended = (id: string, version: number) => old.sql`
    insert into claim_history (${columns}, ended_at, ended_by) values (${state(id, version)}, now(), ${randomUUID()})`;
  await ended('7', 1);
  await ended('7', 2);
  await ended('9', 1);
  await ended('4', 1); // It turned out to be another one.
  await migrate(old.sql, log);
  await ended('4', 2); // By a program of before, that is being replaced.
  const of = (table: string) => old.sql<{ id: string; arrival: string }[]>`
    select right(id::text, 1) as id, arrival from ${old.sql(table)} order by arrival, version`;
  const claims = await of('claims');
  expect(claims.map(({ id }) => id)).toEqual(['9', '5', '7']);
  const [nine, , seven] = claims.map(({ arrival }) => arrival);
  const history = await of('claim_history');
  expect(history.map(({ id }) => id)).toEqual(['9', '7', '7', '4', '4']);
  expect(history.slice(0, 3).map(({ arrival }) => arrival)).toEqual([nine, seven, seven]);
  expect(new Set([...claims, ...history].map(({ arrival }) => arrival)).size).toBe(5);
});

it('numbers the migrations 1, 2, 3, … without a gap', async () => {
  const versions = (await knownMigrations()).map(({ version }) => version);
  expect(versions).toEqual(versions.map((_, index) => index + 1));
});

it('refuses a database that a newer program has migrated, and leaves it alone', async () => {
  await db.sql`insert into schema_migrations (version, name) values (9999, 'from_the_future')`;
  await expect(migrate(db.sql, log)).rejects.toThrow(/is at migration 9999, this program knows them up to \d+: run/);
  await expect(openDatabase({ databaseUrl: db.url, databaseWaitSeconds: 0 }, log)).rejects.toThrow(/9999/);
});

it('leaves nothing of a migration that fails', async () => {
  const empty = await testDatabase('template0');
  await empty.sql`create table users (in_the_way int)`;
  await expect(migrate(empty.sql, log)).rejects.toThrow(/users/);
  expect(await empty.sql`select max(version) as version from schema_migrations`).toEqual([{ version: 1 }]);
  expect(await empty.sql`select to_regclass('service_secrets') as secrets`).toEqual([{ secrets: null }]);
});
