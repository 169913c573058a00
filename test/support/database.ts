import { randomUUID } from 'node:crypto';
import { afterAll, inject } from 'vitest';
import { type Connection, connect, createPool, type Pool } from '../../src/db/client.ts';

export interface TestDatabase {
  url: string;
  sql: Connection;
  pool: Pool;
}

/** A database of the test file's own, copied from the template (migrated unless told `template0`); dropped at its end. */
export async function testDatabase(template = inject('templateDatabase')): Promise<TestDatabase> {
  const name = `claims_test_${randomUUID().replaceAll('-', '')}`;
  const serverUrl = inject('postgresUrl');
  const admin = connect(serverUrl, { name: 'tests' });
  await admin`create database ${admin(name)} template ${admin(template)}`;
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const sql = connect(url.href, { name: 'tests' });
  const pool = createPool(url.href, 2, { name: 'tests' });
  afterAll(async () => {
    await Promise.all([sql.end({ timeout: 1 }), pool.end()]);
    await admin`drop database ${admin(name)} with (force)`;
    await admin.end();
  });
  return { url: url.href, sql, pool };
}
