import { readdir, readFile } from 'node:fs/promises';
import type { Logger } from '../log.ts';
import { type Connection, DatabaseUnusable, transaction } from './client.ts';

// Beside this file in the sources, and beside main.js in the image.
const directory = new URL('migrations/', import.meta.url);

// Any number will do, so long as only this program uses it in the database.
const migrationLock = 7_240_201;

interface Migration {
  version: number;
  name: string;
}

/** The migrations this program carries, in order. */
export async function knownMigrations(): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort();
  return files.map((file) => ({ version: Number(file.slice(0, 4)), name: file.slice(5, -4) }));
}

/**
 * Brings the schema to this program's version, each migration in a transaction of its own. Replicas that start together
 * wait for each other on an advisory lock. Refuses a database that a newer program has migrated.
 */
export async function migrate(sql: Connection, log: Logger): Promise<void> {
  await sql`select pg_advisory_lock(${migrationLock})`;
  try {
    await sql`
      create table if not exists schema_migrations (
        version integer primary key,
        name text not null,
        applied_at timestamptz not null default now()
      )`;
    const migrations = await knownMigrations();
    const applied = await sql<{ version: number }[]>`select version from schema_migrations`;
    const current = Math.max(0, ...applied.map((row) => row.version));
    const latest = Math.max(0, ...migrations.map((migration) => migration.version));
    if (current > latest) {
      throw new DatabaseUnusable(
        `The database is at migration ${current}, this program knows them up to ${latest}: ` +
          'run the version that migrated it, or a newer one.',
      );
    }
    for (const { version, name } of migrations) {
      if (version <= current) continue;
      const text = await readFile(new URL(`${String(version).padStart(4, '0')}_${name}.sql`, directory), 'utf8');
      await transaction(sql, async (tx) => {
        await tx.unsafe(text);
        await tx`insert into schema_migrations (version, name) values (${version}, ${name})`;
      });
      log.info(`migrated the database to ${version} ${name.replaceAll('_', ' ')}`);
    }
  } finally {
    await sql`select pg_advisory_unlock(${migrationLock})`;
  }
}
