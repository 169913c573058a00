import { Changes } from '../../src/claims/data-version.ts';
import { type Connection, type Sql, transaction } from '../../src/db/client.ts';

/** Does work in a transaction that has announced a change, and makes it, as an import does: no answer from memory counts. */
export async function changing(sql: Connection, work: (tx: Sql) => unknown): Promise<void> {
  const changes = new Changes(sql);
  await transaction(sql, async (tx) => {
    await changes.announce();
    await work(tx);
    await changes.raiseVersion();
  });
  changes.withdraw();
}
