import { once } from 'node:events';
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { serveMetrics } from '../../src/ops/metrics.ts';
import { importClaims, importText, testApp } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';
import { labelsOf, samples } from '../support/metrics.ts';

const { metrics, get, db, database, sql, url } = await testApp();

beforeEach(async () => {
  await sql`truncate claims, claim_history, patients, imports, import_files, import_rejects`;
});

async function served({ of = metrics } = {}) {
  const server = await serveMetrics(of, { host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const { port } = server.address() as { port: number };
  return (path: string, options?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, options);
}

const scraped = async ({ of = metrics } = {}) => samples(await of.registry.metrics());

/** Those that the database tells. */
const ofImports = (found: Map<string, number>) =>
  [...found.keys()].filter((name) => /^claims_api_import(?!_lag)/.test(name));

it('counts requests by their route, and holds nothing that a client sent', async () => {
  await get('/api/claims?patient=SECRET-MEMBER');
  await get('/api/claims/00000000-0000-8000-8000-00000000abcd');
  await get('/nowhere/SECRET-PATH');
  const call = await served();
  const answer = await call('/metrics');
  const text = await answer.text();
  expect(answer.headers.get('content-type')).toContain('text/plain');
  expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/api/claims",status="200"} 1');
  expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/api/claims/:id",status="404"} 1');
  expect(text).toContain('http_request_duration_seconds_count{method="GET",route="none",status="404"} 1');
  expect(text).toMatch(/^claims_api_info\{version="0\.0\.0-test"\} 1$/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(text).not.toMatch(/SECRET|abcd/);
});

it('are all that is answered on their port', async () => {
  const call = await served();
  expect((await call('/api/claims')).status).toBe(404);
  expect((await call('/metrics', { method: 'POST' })).status).toBe(404);
});

it('are not answered by the API', async () => {
  expect((await get('/metrics')).statusCode).toBe(404);
});

it('tell how many connections work, and how much waits for one', async () => {
  const pool = async () => {
    const found = await scraped();
    return ['connections', 'connections_in_use', 'queries_waiting'].map((name) =>
      found.get(`claims_api_database_${name}{pool="lookups"}`),
    );
  };
  expect(await pool()).toEqual([2, 0, 0]);
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const work = [db.run(() => held)];
  expect(await pool()).toEqual([2, 1, 0]);
  work.push(...[1, 2, 3, 4].map(() => db.run(() => held)));
  expect(await pool()).toEqual([2, 2, 3]);
  release();
  await Promise.all(work);
  expect(await pool()).toEqual([2, 0, 0]);
});

it('count the requests that are shed', async () => {
  expect((await scraped()).get('claims_api_requests_shed_total')).toBe(0);
  metrics.shed();
  metrics.shed();
  expect((await scraped()).get('claims_api_requests_shed_total')).toBe(2);
});

it('tell in seconds how long the event loop was held up since the last time, and no longer', async () => {
  await scraped();
  await new Promise((resolve) => setTimeout(resolve, 30));
  const until = performance.now() + 300;
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const max = 'nodejs_eventloop_lag_max_seconds';
  const held = await scraped();
  expect(held.get(max)).toBeGreaterThan(0.25);
  expect(held.get(max)).toBeLessThan(5);
  expect(held.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0.25);
  do await new Promise((resolve) => setTimeout(resolve, 50));
  while (((await scraped()).get(max) as number) > 0.25); // A busy machine may hold it up once more.
});

describe('of imports', () => {
  const records = async () => {
    const found = await scraped();
    return Object.fromEntries(
      ['added', 'changed', 'unchanged', 'rejected'].map((outcome) => [
        outcome,
        found.get(`claims_api_import_records_total{outcome="${outcome}"}`),
      ]),
    );
  };

  it('begin with nothing', async () => {
    const found = await scraped();
    expect(await records()).toEqual({ added: 0, changed: 0, unchanged: 0, rejected: 0 });
    expect(found.get('claims_api_imports{status="completed"}')).toBe(0);
    expect(found.get('claims_api_import_seconds_total')).toBe(0);
    expect(found.get('claims_api_import_lag_seconds')).toBe(0);
    expect(found.has('claims_api_import_last_completed_timestamp_seconds')).toBe(false);
  });

  it('count what became of the records of all of them, and what became of them', async () => {
    const before = Date.now() / 1000 - 1; // The clock of the database is another.
    const [one, two] = [aClaim(), aClaim()];
    await importClaims(url, [one, two]);
    await importText(
      url,
      `${JSON.stringify({ ...one, status: 'denied' })}\n${JSON.stringify(two)}\n{"nonsense":1}\n{}\n`,
    );
    await importText(url, 'nothing to see', 'notes.txt');
    await sql`insert into imports (id, file, size, content_hash, status, uploaded, started_at)
      values (gen_random_uuid(), 'later', 1, 'x', 'queued', true, now())`;
    expect(await records()).toEqual({ added: 2, changed: 1, unchanged: 1, rejected: 2 });
    const found = await scraped();
    const statuses = ['queued', 'running', 'completed', 'failed', 'refused', 'unknown'];
    expect(statuses.map((status) => found.get(`claims_api_imports{status="${status}"}`))).toEqual([1, 0, 2, 0, 0, 1]);
    expect(found.get('claims_api_import_seconds_total')).toBeGreaterThan(0);
    expect(found.get('claims_api_import_last_completed_timestamp_seconds')).toBeGreaterThan(before);
    expect(found.get('claims_api_import_last_completed_timestamp_seconds')).toBeLessThan(before + 60);
  });

  // A counter that is a trifle less than before counts, for Prometheus, as one that began anew.
  it('add up their seconds to the same in any order', async () => {
    for (const [seconds, status] of [
      [0.1001, 'completed'],
      [0.2002, 'failed'],
      [0.3003, 'completed'],
    ] as const) {
      await sql`insert into imports (id, file, size, content_hash, status, seconds, started_at)
        values (gen_random_uuid(), 'f', 1, 'x', ${status}, ${seconds}, now())`;
    }
    expect((await scraped()).get('claims_api_import_seconds_total')).toBe(0.6);
  });

  it('tell how long the oldest of what waits has waited', async () => {
    const { metrics: own } = await testApp({ database });
    const since: (number | undefined)[] = [undefined, undefined];
    own.imports.waits(() => since[0]);
    own.imports.waits(() => since[1]);
    const lag = async () => (await scraped({ of: own })).get('claims_api_import_lag_seconds');
    expect(await lag()).toBe(0);
    since[0] = Date.now() - 90_000;
    since[1] = Date.now() - 30_000;
    expect(await lag()).toBeCloseTo(90, 0);
    since[0] = undefined;
    expect(await lag()).toBeCloseTo(30, 0);
  });

  it('ask once for what a scrape tells, and once for scrapes at the same time', async () => {
    // Sessions hand in their statistics late: only this one reads the table of this database.
    const own = await testApp();
    const [one, other] = await Promise.all([scraped({ of: own.metrics }), scraped({ of: own.metrics })]);
    expect(ofImports(one).length).toBeGreaterThan(10);
    expect(ofImports(other)).toEqual(ofImports(one));
    await own.metrics.end();
    const scans = () =>
      own.sql`select seq_scan::int as count from pg_stat_user_tables where relname = 'imports'`.then(
        ([row]) => row?.count,
      );
    await expect.poll(scans, { timeout: 10_000 }).toBe(1);
  });
});

describe('where the database is away', () => {
  it.each([
    ['nobody listens', false],
    ['nobody answers', true],
  ])('figures of imports are missing, and the rest is told: %s', async (_, listens) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    if (listens) onTestFinished(() => void server.close());
    else server.close();
    const { metrics: own } = await testApp({
      database,
      metricsDatabaseUrl: `postgres://postgres@127.0.0.1:${port}/none`,
    });
    const call = await served({ of: own });
    const began = performance.now();
    const answer = await call('/metrics');
    expect(answer.status).toBe(200);
    const found = samples(await answer.text());
    expect(performance.now() - began).toBeLessThan(10_000); // which Prometheus waits for it
    expect(ofImports(found)).toEqual([]);
    expect(found.get('claims_api_import_lag_seconds')).toBe(0);
    expect(found.get('claims_api_database_connections{pool="lookups"}')).toBe(2);
  });

  it('figures of imports are there again when it is', async () => {
    expect(ofImports(await scraped()).length).toBeGreaterThan(10);
    await sql`alter table imports rename to gone`;
    expect(ofImports(await scraped())).toEqual([]);
    await sql`alter table gone rename to imports`;
    expect(ofImports(await scraped()).length).toBeGreaterThan(10);
  });
});

it('have labels that tell nothing of persons or files', async () => {
  const claim = aClaim({ identifier: { value: 'SECRET-1' }, patient: { id: 'SECRET-2', name: { family: 'SECRET' } } });
  await importText(url, `${JSON.stringify(claim)}\n{"patient":"SECRET-3"}\n`, 'SECRET-file.ndjson');
  await get('/api/claims?patient=SECRET-2');
  const text = await metrics.registry.metrics();
  expect(text).not.toContain('SECRET');
  const ofNode = ['kind', 'type', 'space', 'major', 'minor', 'patch'];
  const ours = ['version', 'pool', 'method', 'route', 'status', 'outcome', 'le'];
  expect([...labelsOf(text)].filter((label) => ![...ours, ...ofNode].includes(label))).toEqual([]);
});
