import postgres from 'postgres';
import { afterAll, describe, expect, it } from 'vitest';
import type { Place } from '../../src/claims/cursor.ts';
import {
  type ClaimFilters,
  type ClaimSort,
  isLookup,
  listClaims,
  listTogether,
  lookupSettings,
  searchSettings,
} from '../../src/claims/queries.ts';
import type { Sql } from '../../src/db/client.ts';
import { testDatabase } from '../support/database.ts';

const { sql, pool, url } = await testDatabase();

const claimCount = 200_000;
const limit = 25;
/**
 * Codes and times of change are not in the order of the list: a page reads all that match, or the list until it has found
 * enough. Neither is more than a fortieth of the table where the better way is taken.
 */
const mostRows = claimCount / 40;

/** Evenly spread numbers, the same in every run. */
const spread = (seed: number) => sql.unsafe(`(hashint4extended(n, ${seed}) & 2147483647)`);

/** Claims as they are: few types and states, patients with some claims, codes of many claims and codes of few. */
async function fillClaims(): Promise<void> {
  // The indexes are made after the rows, as they are defined, two at a time, which takes half the time.
  const indexes = await sql<{ name: string; definition: string }[]>`
    select indexname as name, indexdef as definition from pg_indexes
    where tablename = 'claims' and indexname <> 'claims_pkey'`;
  for (const { name } of indexes) await sql`drop index ${sql(name)}`;
  await sql`alter table claims drop constraint claims_pkey`;
  await sql`
    insert into claims
    select
      md5(n::text)::uuid, 'urn:test', n::text,
      (array['professional', 'professional', 'professional', 'institutional', 'pharmacy'])[1 + n % 5],
      (array['carrier', 'carrier', 'dme', 'inpatient', 'pde'])[1 + n % 5],
      case when n % 1000 = 0 then 'pending' when n % 10 = 0 then 'denied' else 'paid' end,
      'P' || ${spread(1)} % 10000, 'N' || ${spread(2)} % 2000, 'I' || ${spread(3)} % 10,
      day, day, 100, 80, 60, 20,
      array[case when ${spread(4)} % 5 = 0 then 'I10' else 'D' || ${spread(5)} % 80 end, 'E' || ${spread(6)} % 10000],
      array[case when ${spread(7)} % 5 = 0 then '99213' else 'S' || ${spread(8)} % 80 end, 'J' || ${spread(9)} % 10000],
      repeat('x', 200), null, '', 1, md5('import')::uuid, '2025-06-01'::timestamptz + (n / 2000) * interval '1 second'
    from generate_series(1, ${claimCount}) n,
      lateral (select date '2020-01-01' + (${spread(10)} % 2000)::int) as days (day)`;
  await sql`alter table claims add primary key (id)`;
  const fast = "set maintenance_work_mem = '256MB'; set max_parallel_maintenance_workers = 0";
  await Promise.all(indexes.map(({ definition }) => pool.run((sql) => sql.unsafe(`${fast}; ${definition}`))));
  await sql`vacuum analyze claims`;
}

await fillClaims();

interface Question {
  filters?: ClaimFilters;
  sort?: ClaimSort;
  after?: Place;
}

const sent: { text: string; parameters: unknown[] }[] = [];
const overheard = postgres(url, {
  max: 1,
  debug: (_connection, text, parameters) => sent.push({ text, parameters }),
});
afterAll(() => overheard.end());
await overheard`select`; // By which it asks for the types of arrays.

/** The statement that listClaims sends, and the values it sends with it as they are written in SQL. */
async function statementOf({ filters = {}, sort = '-serviceDate', after }: Question) {
  sent.length = 0;
  const question = { filters, sort, limit, after };
  const sql = overheard as unknown as Sql;
  await (isLookup(question) ? listTogether(sql, [question]) : listClaims(sql, question));
  const [statement, ...others] = sent;
  if (statement === undefined || others.length > 0) throw new Error('expected one statement');
  const texts = statement.parameters.map((value) => (Array.isArray(value) ? `{${value}}` : String(value)));
  const values = texts.map((text) => `'${text.replaceAll("'", "''")}'`);
  return { text: statement.text, call: values.length > 0 ? `list(${values.join(', ')})` : 'list' };
}

interface Node {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Node[];
}

interface Read {
  /** Of all nodes, the scans of indexes with their names. */
  plan: string;
  /** Claims that were looked at, whether or not they were wanted. */
  rows: number;
  /** Blocks of 8 KiB, of the table and of its indexes. */
  blocks: number;
}

/**
 * What a connection reads that knows the statement already. PostgreSQL plans it anew for its first five times, here with
 * the values of the question before, and may keep one plan for all values from then on.
 */
async function readsOf(question: Question, before: Question = question): Promise<Read> {
  const earlier = await statementOf(before);
  const statement = await statementOf(question);
  expect(earlier.text).toBe(statement.text);
  return sql.begin(async (tx) => {
    const isOfLookups = isLookup({ filters: question.filters ?? {}, sort: '-serviceDate', limit });
    const settings = isOfLookups ? lookupSettings : searchSettings;
    await tx`set local plan_cache_mode = ${tx.unsafe(settings.plan_cache_mode)}`;
    await tx.unsafe(`prepare list as ${statement.text}`);
    for (let time = 0; time < 5; time += 1) await tx.unsafe(`execute ${earlier.call}`);
    const [row] = await tx.unsafe(`explain (analyze, buffers, format json) execute ${statement.call}`);
    await tx`deallocate list`;
    const root: Node = row?.['QUERY PLAN'][0].Plan;
    const nodes = flatten(root).filter((node) => node['Relation Name'] !== 'data_version');
    const scans = nodes.filter((node) => node['Relation Name'] === 'claims');
    return {
      plan: nodes.map((node) => [node['Node Type'], node['Index Name']].filter(Boolean).join(' ')).join(' < '),
      rows: scans.reduce((sum, node) => sum + rowsOf(node), 0),
      blocks: root['Shared Hit Blocks'] + root['Shared Read Blocks'],
    };
  });
}

const flatten = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(flatten)];
const rowsOf = (node: Node) =>
  node['Actual Loops'] *
  (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0));

const midway = { serviceDate: '2022-09-15', arrival: String(claimCount / 2) };

/** Filters that an index has in the order of the list. */
const ordered: [string, ClaimFilters][] = [
  ['nothing', {}],
  ['a patient', { patient: 'P1' }],
  ['a patient who is not there', { patient: 'nobody' }],
  ['a common type', { type: 'professional' }],
  ['a type that no claim has', { type: 'vision' }],
  ['a sub-type', { subType: 'pde' }],
  ['a common status', { status: 'paid' }],
  ['a rare status', { status: 'pending' }],
  ['a provider', { provider: 'N1' }],
  ['a payer', { payer: 'I1' }],
  ['a payer who is not there', { payer: 'nobody' }],
  ['a first day', { serviceFrom: '2020-02-01' }],
  ['a last day', { serviceTo: '2025-01-01' }],
  ['a day', { serviceFrom: '2022-09-15', serviceTo: '2022-09-15' }],
  ['a patient and a time', { patient: 'P1', serviceFrom: '2021-01-01', serviceTo: '2022-12-31' }],
];

/** Filters for which it has none. */
const unordered: [string, ClaimFilters][] = [
  ['a first day that is not reached', { serviceFrom: '2030-01-01' }],
  ['a diagnosis of every fifth claim', { diagnosis: 'I10' }],
  ['a diagnosis of every hundredth claim', { diagnosis: 'D1' }],
  ['a rare diagnosis', { diagnosis: 'E1' }],
  ['a diagnosis that no claim has', { diagnosis: 'Z99' }],
  ['a procedure of every fifth claim', { procedure: '99213' }],
  ['a procedure of every hundredth claim', { procedure: 'S1' }],
  ['a rare procedure', { procedure: 'J1' }],
  ['a procedure that no claim has', { procedure: 'none' }],
  ['changes since the first import', { updatedSince: '2025-01-01T00:00:00Z' }],
  ['changes of the last import', { updatedSince: '2025-06-01T00:01:39Z' }],
  ['changes since the last import', { updatedSince: '2025-07-01T00:00:00Z' }],
];

function expectFewReads({ plan, rows, blocks }: Read, most: number): void {
  expect(plan).toMatch(/Index (Only )?Scan/);
  expect(plan).not.toContain('Seq Scan');
  expect(rows, plan).toBeLessThanOrEqual(most + 1); // which tells whether there is another page
  // A row's block is read once a row at most; the way down the index is some blocks more.
  expect(blocks, plan).toBeLessThanOrEqual(most + 100);
}

describe(`of ${claimCount.toLocaleString('en-US')} claims`, () => {
  describe.each(ordered)('a page by %s reads no claim that is not on it', (_what, filters) => {
    it.each<[string, Question]>([
      ['newest first', { filters }],
      ['oldest first', { filters, sort: 'serviceDate' }],
      ['far from the beginning', { filters, after: midway }],
      ['far from the beginning, oldest first', { filters, sort: 'serviceDate', after: midway }],
    ])('%s', async (_order, question) => {
      expectFewReads(await readsOf(question), limit);
    });
  });

  it.each(unordered)('a page by %s reads few claims', async (_what, filters) => {
    expectFewReads(await readsOf({ filters }), mostRows);
    expectFewReads(await readsOf({ filters, sort: 'serviceDate' }), mostRows);
    expectFewReads(await readsOf({ filters, after: midway }), mostRows);
  });

  const sameName = unordered.flatMap(([what, filters]) =>
    unordered
      .filter(([, before]) => before !== filters && Object.keys(before)[0] === Object.keys(filters)[0])
      .map<[string, string, ClaimFilters, ClaimFilters]>(([earlier, before]) => [what, earlier, filters, before]),
  );
  it.each(sameName)('a page by %s reads few claims where %s was asked for before', async (_, __, filters, before) => {
    expectFewReads(await readsOf({ filters }, { filters: before }), mostRows);
  });
});
