import { type Connection, isUnavailable, type Sql } from '../db/client.ts';

/** Runs work in a transaction that is taken back, whatever comes of it. */
export async function takenBack<T>(sql: Connection, work: () => Promise<T>): Promise<T> {
  await sql`begin`;
  try {
    const result = await work();
    await sql`rollback`;
    return result;
  } catch (error) {
    if (!isUnavailable(error)) await sql`rollback`;
    throw error;
  }
}

/** As `transaction` (db/client.ts), within a transaction: what fails is taken back alone. */
export async function savepoint<T>(sql: Connection, work: (tx: Sql) => Promise<T>): Promise<T> {
  await sql`savepoint batch`;
  try {
    const result = await work(sql);
    await sql`release savepoint batch`;
    return result;
  } catch (error) {
    if (!isUnavailable(error)) await sql`rollback to savepoint batch`;
    throw error;
  }
}
