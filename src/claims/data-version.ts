import { setTimeout } from 'node:timers/promises';
import type { Connection, Pool, Sql } from '../db/client.ts';
import { joined } from '../db/joined.ts';

/**
 * The data version: answers of one version are all of one state of the claims. Whoever asks for it may go on with what it
 * was told for a lease, in which no change of a claim is committed: who is about to says so, by a lock that its connection
 * holds, and lets every lease run out first. So an answer is exact whoever changed the claims: nobody need hear of it, and
 * behind a process that was killed nothing is to be cleared up. A lease is measured from before the question was sent; the
 * wait is half as long again, for clocks that do not run alike.
 */
const leaseMs = 10;
const waitMs = 15;

/** Another one after each transaction that changed claims. */
export async function dataVersion(sql: Sql): Promise<string> {
  const [row] = await sql<{ version: string }[]>`select version from data_version`;
  if (row === undefined) throw new Error('The database has no data version: its table data_version was emptied.');
  return row.version;
}

/** What a connection that changes claims does about their version. */
export class Changes {
  readonly #sql: Connection;
  /** When, by performance.now(), while it holds. */
  #announced: number | undefined;
  /** Whether the transaction changes claims, or the one before it that was rolled back. */
  #isChange = false;

  constructor(sql: Connection) {
    this.#sql = sql;
  }

  /**
   * Before a transaction changes the first claim, or while it does: from here until `withdraw`, or the end of the
   * connection, nobody is given a lease, and so best only as long before its end as leases take to run out.
   */
  async announce(): Promise<void> {
    this.#isChange = true;
    if (this.#announced !== undefined) return;
    await this.#sql`select pg_advisory_lock_shared(1, 4)`;
    this.#announced = performance.now();
  }

  /**
   * Another version, where a change was announced. The last of all that a transaction does: others that change claims wait
   * from here on. No number comes twice, also where the database was put back to an earlier state, of which clients still
   * have answers of later ones: it is the time in microseconds.
   */
  async raiseVersion(): Promise<void> {
    if (!this.#isChange || this.#announced === undefined) return;
    const waited = performance.now() - this.#announced;
    if (waited < waitMs) await setTimeout(waitMs - waited);
    await this.#sql`
      update data_version set version = greatest(version + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint)`;
    this.#isChange = false;
  }

  /** Behind a transaction after which others take a while to come. Not waited for: what follows is sent behind it. */
  withdraw(): void {
    if (this.#announced === undefined) return;
    this.#announced = undefined;
    this.#sql`select pg_advisory_unlock_shared(1, 4)`.catch(() => {}); // The end of the connection gives it back as well.
  }
}

/** For the moment, and so only where nobody has announced changes. Two who ask at once need not both be told. */
async function nobodyChanges(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ nobody: boolean }[]>`select pg_try_advisory_xact_lock(1, 4) as nobody`;
  return row?.nobody ?? false;
}

/**
 * The version as it is now, of the database or of a lease. What is asked for together is answered together also where the
 * database need not be asked: answers that are sent one right behind the other cost a third of what they cost one by
 * one, for which whoever reads them is woken up each time.
 */
export function currentVersion(db: Pool): () => Promise<string> {
  let version = '';
  let leasedUntil = 0;
  const ask = async (requests: undefined[]) => {
    const now = performance.now();
    if (now >= leasedUntil) {
      // In this order: what was committed before nobody changed anything is in the version.
      const [nobody, current] = await db.run((sql) => Promise.all([nobodyChanges(sql), dataVersion(sql)]));
      version = current;
      leasedUntil = nobody ? now + leaseMs : 0;
    }
    return requests.map(() => version);
  };
  const currently = joined(ask, Number.POSITIVE_INFINITY, 1);
  return () => currently(undefined);
}
