import { expect, it } from 'vitest';
import { connect } from '../../src/db/client.ts';
import { knownMigrations, migrate } from '../../src/db/migrate.ts';
import { openDatabase } from '../../src/db/open.ts';
import { createLogger } from '../../src/log.ts';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase('template0');
const log = createLogger({ logLevel: 'silent', logFormat: 'json' });

it('migrates once when replicas start together', async () => {
  const replicas = Array.from({ length: 4 }, () => connect(db.url, { name: 'replica' }));
  await Promise.all(replicas.map((sql) => migrate(sql, log)));
  await Promise.all(replicas.map((sql) => sql.end()));
  const applied = await db.sql`select version, name from schema_migrations order by version`;
  expect(applied).toEqual(await knownMigrations());
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
