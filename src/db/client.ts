import { connect as openSocket, type Socket } from 'node:net';
import postgres from 'postgres';
import { arrayLiteral } from './array.ts';

/** A connection, or a transaction on one: what every function of a queries.ts takes first. */
export type Sql = postgres.ISql<Record<string, never>>;
/** A client of exactly one connection, which can begin transactions. */
export type Connection = postgres.Sql<Record<string, never>>;

/** The database cannot be reached, is starting or stopping, or has more waiting queries than it could answer in time. */
export class DatabaseUnavailable extends Error {}

/** The database as it is cannot be used by this program; the message says what to do. */
export class DatabaseUnusable extends Error {}

interface ConnectionOptions {
  /** Shown in pg_stat_activity. */
  name: string;
  /** PostgreSQL ends a statement that takes longer; 0 is without limit. */
  statementTimeoutSeconds?: number;
  /** Of PostgreSQL, for the session. */
  settings?: Record<string, string>;
  /** Whether a connection that was lost stays lost: what has locks or temporary tables must not go on without them. */
  once?: boolean;
}

/**
 * The arrays that queries take, by their OIDs. postgres.js would have each connection read all types that there are: 300
 * rows, which took a twentieth of the start and 2.6 MB. Arrays that come back are text; where they are to be read, a query
 * makes JSON of them.
 */
const arrays = { text: 1009, uuid: 2951, integer: 1007, bigint: 1016, numeric: 1231, date: 1182 };

/** Opens lazily: the first query connects. Dates come back as `yyyy-mm-dd`, numeric and bigint as strings. */
export function connect(url: string, options: ConnectionOptions): Connection {
  const open = socketsWithoutDelay();
  const sql: Connection = postgres(url, {
    max: 1,
    connect_timeout: 5,
    backoff: (attempt) => Math.min(0.1 * 2 ** attempt, 1),
    onnotice: () => {},
    onclose: () => {
      // What was never answered had nothing to lose, and may be tried again.
      const answered = (open.current?.bytesRead ?? 0) > 0;
      if (options.once && answered) sql.end({ timeout: 0 }).catch(() => {});
    },
    ...({ socket: open.socket } as object), // An option that its types do not name.
    connection: {
      application_name: `claims-api ${options.name}`,
      TimeZone: 'UTC',
      statement_timeout: (options.statementTimeoutSeconds ?? 0) * 1000,
      ...options.settings,
    },
    fetch_types: false,
    types: {
      // A date as a Date would be the midnight of some time zone.
      day: { to: 1082, from: [1082], serialize: String, parse: String },
      ...Object.fromEntries(Object.entries(arrays).map(([of, to]) => [of, { to, from: [], serialize: arrayLiteral }])),
    } as never,
  }) as unknown as Connection;
  latestSocket.set(sql, open);
  return sql;
}

const latestSocket = new WeakMap<Connection, { current: Socket | undefined }>();

/**
 * Ends a client whatever it is doing. `end` of postgres.js 3.4.9 closes only its own side: a server that waits for its
 * client to read on, as in a COPY, would never hear of it.
 */
export function abandon(sql: Connection): void {
  sql.end({ timeout: 0 }).catch(() => {});
  latestSocket.get(sql)?.current?.destroy();
}

/**
 * Opens sockets without Nagle's algorithm, which postgres.js 3.4.9 leaves on: a small message behind a large one, such as
 * the end of a COPY, would wait 40 ms for PostgreSQL's delayed acknowledgement. What is written before a socket is
 * connected waits for that. The hosts of the address take turns, as postgres.js has them do.
 */
function socketsWithoutDelay() {
  let turn = 0;
  const opened = {
    current: undefined as Socket | undefined,
    socket({ host: hosts, port: ports, path }: { host: string[]; port: number[]; path?: string }) {
      const host = hosts[turn % hosts.length] as string;
      const port = ports[turn % ports.length] as number;
      turn += 1;
      opened.current = openSocket(path ? { path } : { host, port, noDelay: true });
      return Object.assign(opened.current, { host, port }); // What a certificate is checked for, and errors name.
    },
  };
  return opened;
}

const lostCodes = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'ECONNRESET',
  'EPIPE',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
]);
const otherwiseUnavailable = new Set([
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'NO_ANSWER',
  '57014', // query_canceled, by statement_timeout
  '57P03', // cannot_connect_now: starting up or shutting down
  '53300', // too_many_connections
]);

const codeOf = (error: unknown) => (error as { code?: string }).code ?? '';

/** Whether an error says that the connection is gone: what ran on it may run again on another. */
export const isConnectionLost = (error: unknown) => lostCodes.has(codeOf(error));

/** Whether an error says that the database, not the query, is at fault. */
export function isUnavailable(error: unknown): boolean {
  return isConnectionLost(error) || otherwiseUnavailable.has(codeOf(error));
}

/**
 * Runs work in a transaction on a connection that nobody else uses meanwhile. In the place of postgres.js' own `begin`,
 * which sends its rollback also where the connection is lost: 3.4.9 then throws where nothing can catch it.
 */
export async function transaction<T>(sql: Connection, work: (tx: Sql) => Promise<T>): Promise<T> {
  await sql`begin`;
  try {
    const result = await work(sql);
    await sql`commit`;
    return result;
  } catch (error) {
    if (!isConnectionLost(error)) await sql`rollback`;
    throw error;
  }
}

export interface PoolUse {
  connections: number;
  running: number;
  waiting: number;
}

export interface Pool {
  /**
   * Runs queries on the least busy connection. Work whose connection is lost runs a second time, so it must be safe to
   * repeat. Throws DatabaseUnavailable where the database cannot be asked.
   */
  run<T>(work: (sql: Connection) => Promise<T>): Promise<T>;
  /** What it is doing: a connection runs one piece of work at a time, and the rest that it was given waits. */
  use(): PoolUse;
  end(): Promise<void>;
}

/** Longer than PostgreSQL may take for a statement, this many seconds, no answer is waited for. */
const graceSeconds = 5;

/**
 * A set of clients of one connection each. The pool inside postgres.js 3.4.9 is not used: its queue keeps the slots of
 * finished queries and searches them, so it slows with every query it has run; bench/parts/soak.ts watches ours.
 * A client whose connection is lost is replaced, as one that reconnects can leave a query without an answer for ever.
 */
export function createPool(url: string, size: number, options: ConnectionOptions & { maxWaiting?: number }): Pool {
  const maxWaiting = options.maxWaiting ?? 64;
  const slots = Array.from({ length: size }, () => ({ sql: connect(url, options), busy: 0 }));
  const [first] = slots;
  if (first === undefined) throw new Error('a pool needs at least one connection');
  const deadlineMs = options.statementTimeoutSeconds
    ? (options.statementTimeoutSeconds + graceSeconds) * 1000
    : undefined;

  const attempt = async <T>(slot: typeof first, work: (sql: Connection) => Promise<T>): Promise<T> => {
    const { sql } = slot;
    try {
      return await within(deadlineMs, work(sql));
    } catch (error) {
      const lost = isConnectionLost(error) || codeOf(error) === 'NO_ANSWER';
      if (lost && slot.sql === sql) {
        slot.sql = connect(url, options);
        abandon(sql);
      }
      throw error;
    }
  };

  return {
    async run(work) {
      let slot = first;
      for (const candidate of slots) if (candidate.busy < slot.busy) slot = candidate;
      if (slot.busy >= maxWaiting) throw new DatabaseUnavailable('too many requests are waiting for the database');
      slot.busy += 1;
      try {
        return await attempt(slot, work).catch((error) => {
          if (isConnectionLost(error)) return attempt(slot, work);
          throw error;
        });
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        const what = codeOf(error) === '57014' ? 'the query took longer than it may' : 'the database cannot be reached';
        throw new DatabaseUnavailable(what, { cause: error });
      } finally {
        slot.busy -= 1;
      }
    },
    use() {
      const running = slots.filter(({ busy }) => busy > 0).length;
      return { connections: size, running, waiting: slots.reduce((sum, { busy }) => sum + busy, -running) };
    },
    async end() {
      await Promise.all(slots.map((slot) => slot.sql.end({ timeout: 2 })));
    },
  };
}

function within<T>(ms: number | undefined, work: Promise<T>): Promise<T> {
  if (ms === undefined) return work;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => {
    reject(Object.assign(new Error('no answer from the database'), { code: 'NO_ANSWER' }));
  }, ms);
  work.then(resolve, reject).finally(() => clearTimeout(timer));
  return promise;
}
