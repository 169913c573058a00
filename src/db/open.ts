import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { type Connection, connect, DatabaseUnusable, isUnavailable } from './client.ts';
import { migrate } from './migrate.ts';

/** Where the embedded PostgreSQL keeps its data, below the working directory. */
const embeddedDirectory = '.data/postgres';

export interface OpenDatabase {
  url: string;
  close(): Promise<void>;
}

/**
 * The database of DATABASE_URL, or the embedded one where that is not set: reached, recent enough and migrated. Waits
 * for one that is not reached yet, as they are often started together; throws where it stays so.
 */
export async function openDatabase(
  config: Pick<Config, 'databaseUrl' | 'databaseWaitSeconds'>,
  log: Logger,
): Promise<OpenDatabase> {
  let url = config.databaseUrl;
  let close = async () => {};
  if (url === undefined) {
    const { startEmbedded } = await import('./embedded.ts');
    const embedded = await startEmbedded(embeddedDirectory);
    log.warn(`DATABASE_URL is not set: using a development PostgreSQL, whose data are in ${embeddedDirectory}`);
    url = embedded.url;
    close = embedded.stop;
  }
  const sql = connect(url, { name: 'migrate' });
  try {
    await reach(sql, log, config.databaseWaitSeconds);
    await migrate(sql, log);
  } catch (error) {
    await sql.end({ timeout: 1 });
    await close();
    throw error;
  }
  await sql.end();
  return { url, close };
}

async function reach(sql: Connection, log: Logger, seconds: number): Promise<void> {
  const until = Date.now() + seconds * 1000;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await expectUsable(sql);
      return;
    } catch (error) {
      if (!isUnavailable(error)) throw refusalOf(error) ?? error;
      const code = (error as { code?: string }).code;
      if (Date.now() > until) {
        throw new DatabaseUnusable(
          `The database cannot be reached (${code}) after ${seconds} seconds of trying: check DATABASE_URL, and that PostgreSQL runs, with TLS if sslmode asks for it.`,
        );
      }
      if (attempt === 1) log.warn(`waiting for the database (${code})`);
      await new Promise((resolve) => setTimeout(resolve, Math.min(attempt * 100, 1000)));
    }
  }
}

async function expectUsable(sql: Connection): Promise<void> {
  const [row] = await sql<{ version: number; encoding: string }[]>`
    select current_setting('server_version_num')::int as version, getdatabaseencoding() as encoding`;
  if (row && row.version < 150_000) {
    throw new DatabaseUnusable(
      `PostgreSQL 15 or newer is needed; DATABASE_URL leads to version ${row.version / 10_000}.`,
    );
  }
  if (row && row.encoding !== 'UTF8') {
    throw new DatabaseUnusable(
      `A database of encoding UTF8 is needed; that of DATABASE_URL is of ${row.encoding}: make another with CREATE DATABASE name ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0.`,
    );
  }
}

/** Of the codes of PostgreSQL that no other attempt changes. */
const refusals: Record<string, string> = {
  '28P01': 'its user or its password is wrong.',
  '28000':
    'its user may not connect: the role does not exist or has no LOGIN, or pg_hba.conf lets it in only from elsewhere, or with TLS (?sslmode=verify-full).',
  '3D000': 'there is no database of its name: create it, or name another.',
  '42501': 'its user has no right to connect to its database: GRANT CONNECT.',
};

/** What is wrong with DATABASE_URL, where it is that. */
export function refusalOf(error: unknown): DatabaseUnusable | undefined {
  const { code = '' } = error as { code?: string };
  const refusal = refusals[code];
  if (refusal) return new DatabaseUnusable(`PostgreSQL refuses DATABASE_URL (${code}): ${refusal}`);
  // As Node names them: https://nodejs.org/docs/latest-v26.x/api/tls.html#x509-certificate-error-codes
  if (!/CERT|LEAF_SIGNATURE|HOSTNAME/.test(code)) return undefined;
  return new DatabaseUnusable(
    `The certificate of PostgreSQL is not trusted for the host of DATABASE_URL (${code}): name that host as the certificate does, and the file of its authority in NODE_EXTRA_CA_CERTS.`,
  );
}
