/**
 * One million look-ups by id through the service's own connection handling: the last 50,000 must be as fast as the first.
 * `npm run bench:soak`; DATABASE_URL names a PostgreSQL to use, else an embedded one is started. Takes two minutes.
 */

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findClaims } from '../src/claims/queries.ts';
import { connect, createPool, type Pool } from '../src/db/client.ts';
import { startEmbedded } from '../src/db/embedded.ts';
import { migrate } from '../src/db/migrate.ts';
import { createLogger } from '../src/log.ts';

const lookups = 1_000_000;
const window = 50_000;
const claims = 10_000;
const connections = 8;
const atLeast = 0.9;

const directory = await mkdtemp(join(tmpdir(), 'claims-api-soak-'));
const embedded = process.env.DATABASE_URL ? undefined : await startEmbedded(join(directory, 'postgres'));
const serverUrl = process.env.DATABASE_URL ?? (embedded?.url as string);
const name = `claims_soak_${randomUUID().replaceAll('-', '')}`;
const admin = connect(serverUrl, { name: 'soak' });
await admin`create database ${admin(name)}`;
const url = new URL(serverUrl);
url.pathname = `/${name}`;

try {
  const ids = await fill(url.href);
  const pool = createPool(url.href, connections, { name: 'soak', statementTimeoutSeconds: 10 });
  await run(pool, ids, window); // Warms up both sides; not counted.
  const rates: number[] = [];
  for (let done = 0; done < lookups; done += window) {
    rates.push(await run(pool, ids, window));
    if ((done + window) % 100_000 === 0) {
      const memory = Math.round(process.memoryUsage().rss / (1 << 20));
      console.log(
        `${(done + window).toLocaleString('en-US').padStart(9)} look-ups: ${format(rates.at(-1))}/s, ${memory} MB`,
      );
    }
  }
  await pool.end();
  const ratio = (rates.at(-1) as number) / (rates[0] as number);
  console.log(
    `first ${format(window)}: ${format(rates[0])}/s, last: ${format(rates.at(-1))}/s, ratio ${ratio.toFixed(2)}`,
  );
  if (ratio < atLeast) {
    console.error(`The connection handling slows down: expected a ratio of at least ${atLeast}.`);
    process.exitCode = 1;
  }
} finally {
  await admin`drop database ${admin(name)} with (force)`;
  await admin.end();
  await embedded?.stop();
  await rm(directory, { recursive: true, force: true });
}

/** Look-ups a second, by as many workers as there are connections. */
async function run(pool: Pool, ids: string[], count: number): Promise<number> {
  const started = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const id = ids[(next * 7919) % ids.length] as string;
      next += 1;
      const [claim] = await pool.run((sql) => findClaims(sql, [id]));
      if (claim === undefined) throw new Error('a claim that is there was not found');
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return count / ((performance.now() - started) / 1000);
}

/** Claims of two kilobytes, made by PostgreSQL itself. */
async function fill(databaseUrl: string): Promise<string[]> {
  const sql = connect(databaseUrl, { name: 'soak' });
  await migrate(sql, createLogger({ logLevel: 'silent', logFormat: 'json' }));
  const rows = await sql<{ id: string }[]>`
    insert into claims (id, identifier_system, identifier_value, type, status, patient_id, service_date, service_date_end,
      diagnoses, procedures, document, hash, version, import_id, updated_at)
    select gen_random_uuid(), 'soak', n::text, 'professional', 'paid', 'P' || n % 100, date '2024-01-01' + n % 365,
      date '2024-01-01' + n % 365, '{}', '{}', json_build_object('text', repeat('x', 2000)), '', 1, gen_random_uuid(), now()
    from generate_series(1, ${claims}::int) n returning id`;
  await sql.end();
  return rows.map((row) => row.id);
}

function format(number: number | undefined): string {
  return Math.round(number ?? 0).toLocaleString('en-US');
}
