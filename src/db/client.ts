import postgres from 'postgres';

/** A connection, or a transaction on one: what every function of a queries.ts takes first. */
export type Sql = postgres.ISql<Record<string, never>>;
/** A client of exactly one connection, which can begin transactions. */
export type Connection = postgres.Sql<Record<string, never>>;

/** The database cannot be reached, is starting or stopping, or has more waiting queries than it could answer in time. */
export class DatabaseUnavailable extends Error {}

interface ConnectionOptions {
  /** Shown in pg_stat_activity. */
  name: string;
  /** PostgreSQL ends a statement that takes longer; 0 is without limit. */
  statementTimeoutSeconds?: number;
}

/** Opens lazily: the first query connects. Dates come back as `yyyy-mm-dd`, numeric and bigint as strings. */
export function connect(url: string, options: ConnectionOptions): Connection {
  return postgres(url, {
    max: 1,
    connect_timeout: 5,
    backoff: (attempt) => Math.min(0.1 * 2 ** attempt, 1),
    onnotice: () => {},
    connection: {
      application_name: `claims-api ${options.name}`,
      TimeZone: 'UTC',
      statement_timeout: (options.statementTimeoutSeconds ?? 0) * 1000,
    },
    // A date as a Date would be the midnight of some time zone.
    types: { day: { to: 1082, from: [1082], serialize: String, parse: String } } as never,
  }) as unknown as Connection;
}

const unavailableCodes = new Set([
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  // Class 57 and 53 of PostgreSQL's error codes: cancelled by timeout, shutting down, starting up, too many connections.
  '57014',
  '57P01',
  '57P02',
  '57P03',
  '53300',
]);

/** Whether an error says that the database, not the query, is at fault. */
export function isUnavailable(error: unknown): boolean {
  return unavailableCodes.has((error as { code?: string }).code ?? '');
}

export interface Pool {
  /** Runs queries on the least busy connection. Throws DatabaseUnavailable where it cannot be asked. */
  run<T>(work: (sql: Connection) => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

/**
 * A set of clients of one connection each. The pool inside postgres.js 3.4.9 is not used: its queue keeps the slots of
 * finished queries and searches them, so it slows with every query it has run; bench/soak.ts watches that ours does not.
 */
export function createPool(url: string, size: number, options: ConnectionOptions & { maxWaiting?: number }): Pool {
  const maxWaiting = options.maxWaiting ?? 64;
  const slots = Array.from({ length: size }, () => ({ sql: connect(url, options), busy: 0 }));
  const [first] = slots;
  if (first === undefined) throw new Error('a pool needs at least one connection');
  return {
    async run(work) {
      let slot = first;
      for (const candidate of slots) if (candidate.busy < slot.busy) slot = candidate;
      if (slot.busy >= maxWaiting) throw new DatabaseUnavailable('too many requests are waiting for the database');
      slot.busy += 1;
      try {
        return await work(slot.sql);
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        throw new DatabaseUnavailable(
          (error as { code?: string }).code === '57014'
            ? 'the query took longer than it may'
            : 'the database cannot be reached',
          { cause: error },
        );
      } finally {
        slot.busy -= 1;
      }
    },
    async end() {
      await Promise.all(slots.map((slot) => slot.sql.end({ timeout: 2 })));
    },
  };
}
