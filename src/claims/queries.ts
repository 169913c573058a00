import type { Sql } from '../db/client.ts';
import { searchCode } from './codes.ts';
import type { Place } from './cursor.ts';

/** What a list is narrowed by; every one that is given must hold. */
export interface ClaimFilters {
  patient?: string;
  type?: string;
  subType?: string;
  status?: string;
  /** The billing provider. */
  provider?: string;
  payer?: string;
  /** Codes, with or without their dot. */
  diagnosis?: string;
  procedure?: string;
  /** Days, both inclusive, that the first day of service lies between. */
  serviceFrom?: string | undefined;
  serviceTo?: string | undefined;
  /** A time: claims that an import brought or changed then or later. */
  updatedSince?: string;
}

export type ClaimSort = 'serviceDate' | '-serviceDate';

/** A page of claims as the database sent it, their documents in one piece, in UTF-8. */
export interface Page {
  /** The documents, with `documentSeparator` between them; it may hold one more than the page. */
  documents: Buffer;
  /** Of each claim of the page, in PostgreSQL's form, of UTC. */
  updatedAt: string[];
  /** Of the last claim, where others follow. */
  next: Place | undefined;
  /** The data version that these claims are of. */
  version: string;
}

export type Fragment = ReturnType<typeof fragment>;
const fragment = (sql: Sql) => sql``;

/** The parts of a statement one after the other, with this between them. */
export const separated = (sql: Sql, parts: Fragment[], between: Fragment): Fragment[] =>
  parts.length === 0 ? [sql``] : parts.flatMap((part, index) => (index === 0 ? [part] : [between, part]));

/** A character that JSON does not hold. */
export const documentSeparator = 1;

/**
 * A page as one row: 26 rows would be 26 messages, in parts that are read one by one, and cost the process twice the time.
 * One more claim than the page tells whether others follow.
 */
const pageColumns = (sql: Sql, limit: number) => sql`
  string_agg(document, chr(${sql.unsafe(String(documentSeparator))})), array_agg(updated_at),
  (array_agg(arrival))[${counted(sql, limit)}], (array_agg(service_date))[${counted(sql, limit)}]`;

type PageRow = [
  documents: Buffer | null,
  updatedAt: Buffer | null,
  arrival: Buffer,
  serviceDate: Buffer,
  version: Buffer,
];

function pageOf([documents, updatedAt, arrival, serviceDate, version]: PageRow, limit: number): Page {
  const page: Page = {
    documents: documents ?? Buffer.of(),
    // As in {"2025-03-31 08:15:00.123456+00","2025-03-31 08:15:00.123456+00"}
    updatedAt: updatedAt === null ? [] : updatedAt.toString('latin1', 2, updatedAt.length - 2).split('","'),
    next: undefined,
    version: version.toString('latin1'),
  };
  if (page.updatedAt.length > limit) {
    page.updatedAt.length = limit;
    page.next = { serviceDate: serviceDate.toString('latin1'), arrival: arrival.toString('latin1') };
  }
  return page;
}

const usualLimits = new Set([10, 20, 25, 50, 100, 200, 500, 1000]);

/**
 * How many a page holds: in the text of the statement where the number is a usual one. A parameter PostgreSQL takes for a
 * tenth of the table, finds no plan for all values worth keeping, and plans each time anew.
 */
const counted = (sql: Sql, limit: number): Fragment =>
  usualLimits.has(limit) ? (sql.unsafe(String(limit)) as unknown as Fragment) : sql`${limit}::int`;

/**
 * For connections of look-ups: one plan for all values of a statement. To plan one of a dozen indexes takes PostgreSQL as
 * long as to read the page, and by its estimates it plans many of them anew each time.
 */
export const lookupSettings = { plan_cache_mode: 'force_generic_plan' };

/** For connections of searches: which way is good depends on how many claims a code or a status has. */
export const searchSettings = { plan_cache_mode: 'force_custom_plan' };

/**
 * Whether a list reads no more than its page from one index, in its order, whatever the values are.
 */
export function isLookup({ filters, limit }: ListQuestion): boolean {
  const { diagnosis, procedure, updatedSince, ...others } = filters;
  if (diagnosis !== undefined || procedure !== undefined || updatedSince !== undefined) return false;
  const { patient, type, subType, status, provider, payer } = others;
  const equal = [patient, type, subType, status, provider, payer].filter((value) => value !== undefined);
  return equal.length <= 1 && usualLimits.has(limit);
}

/** The value of a filter as a statement has it. */
type Given = (filter: keyof ClaimFilters, value: string) => Fragment;

/**
 * What the filters ask of a row, each behind an `and`. The text depends on which filters are given, not on what they say,
 * so that the statements a connection keeps prepared are as few as the questions that are asked.
 */
export function matching(sql: Sql, filters: ClaimFilters, given: Given = (_, value) => sql`${value}`): Fragment[] {
  const conditions: Fragment[] = [];
  const add = (filter: keyof ClaimFilters, condition: (value: Fragment) => Fragment, as = (text: string) => text) => {
    const value = filters[filter];
    if (value !== undefined) conditions.push(condition(given(filter, as(value))));
  };
  add('patient', (value) => sql`and patient_id = ${value}`);
  add('type', (value) => sql`and type = ${value}`);
  add('subType', (value) => sql`and sub_type = ${value}`);
  add('status', (value) => sql`and status = ${value}`);
  add('provider', (value) => sql`and provider_id = ${value}`);
  add('payer', (value) => sql`and payer_id = ${value}`);
  add('diagnosis', (value) => sql`and diagnoses @> array[${value}]`, searchCode);
  add('procedure', (value) => sql`and procedures @> array[${value}]`, searchCode);
  add('serviceFrom', (value) => sql`and service_date >= ${value}::date`);
  add('serviceTo', (value) => sql`and service_date <= ${value}::date`);
  add('updatedSince', (value) => sql`and updated_at >= ${value}::timestamptz`);
  return conditions;
}

export interface ListQuestion {
  filters: ClaimFilters;
  sort: ClaimSort;
  limit: number;
  after?: Place | undefined;
}

/** What a page's claims have in common, each behind an `and`. */
function onPage(sql: Sql, { filters, sort, after }: ListQuestion, place?: Fragment, given?: Given): Fragment[] {
  const descending = sort === '-serviceDate';
  // A page goes on inside the days that were asked for, so the day it has left behind need not be named again. Where it
  // is, PostgreSQL starts there and passes over all pages before: 443 blocks instead of 29 half-way through 200,000 claims.
  const { serviceFrom, serviceTo, ...others } = filters;
  const conditions = matching(
    sql,
    {
      ...others,
      ...(serviceFrom !== undefined && (!after || descending) && { serviceFrom }),
      ...(serviceTo !== undefined && !(after && descending) && { serviceTo }),
    },
    given,
  );
  if (after) {
    const before = place ?? sql`(${after.serviceDate}::date, ${after.arrival}::bigint)`;
    conditions.push(
      descending ? sql`and (service_date, arrival) < ${before}` : sql`and (service_date, arrival) > ${before}`,
    );
  }
  return conditions;
}

const inOrder = (sql: Sql, { sort, limit }: ListQuestion) =>
  sort === '-serviceDate'
    ? sql`order by service_date desc, arrival desc limit ${counted(sql, limit)} + 1`
    : sql`order by service_date, arrival limit ${counted(sql, limit)} + 1`;

/** A page by keyset. */
export async function listClaims(sql: Sql, question: ListQuestion, asOf?: string): Promise<Page> {
  const conditions = onPage(sql, question);
  const page = (table: Fragment, standing: Fragment) => sql`
    select document, updated_at, arrival, service_date from ${table} where ${[standing, ...conditions]}
    ${inOrder(sql, question)}`;
  const claims =
    asOf === undefined
      ? page(sql`claims`, sql`true`)
      : // Each part reads no more than a page from an index; together they hold it.
        sql`
          select * from (
            (${page(sql`claims`, stoodAt(sql, asOf))}) union all (${page(sql`claim_history`, stoodAt(sql, asOf, true))})
          ) states ${inOrder(sql, question)}`;
  const [row] = (await sql`
    select ${pageColumns(sql, question.limit)}, (select version from data_version)
    from (${claims}) page`.raw()) as unknown as PageRow[];
  return pageOf(row as PageRow, question.limit);
}

/** What questions that can be asked together have in common: all but the values of their filters and places. */
export function shapeOf({ filters, sort, limit, after }: ListQuestion): string {
  return `${sort} ${limit} ${after ? 'after' : ''} ${Object.keys(filters).sort()}`;
}

/** The pages of questions of one shape. Only for look-ups: their plan is the same whatever the values are. */
export async function listTogether(sql: Sql, questions: ListQuestion[]): Promise<Page[]> {
  const [first] = questions;
  if (first === undefined) return [];
  const { filters, after, limit } = first;
  const names = Object.keys(filters) as (keyof ClaimFilters)[];
  if (names.length === 0 && !after) {
    const page = await listClaims(sql, first);
    return questions.map(() => page);
  }
  const columns: [name: string, ofAll: (string | undefined)[]][] = names.map((name) => [
    name,
    questions.map((question) => question.filters[name]),
  ]);
  if (after) {
    columns.push(['afterDate', questions.map((question) => question.after?.serviceDate)]);
    columns.push(['afterArrival', questions.map((question) => question.after?.arrival)]);
  }
  const asked = (name: string) => sql`asked.${sql(name)}`;
  const place = sql`(${asked('afterDate')}::date, ${asked('afterArrival')}::bigint)`;
  const values = columns.map(([, ofAll]) => sql`${ofAll as string[]}::text[]`);
  const rows = (await sql`
    select page.*, (select version from data_version)
    from unnest(${separated(sql, values, sql`,`)})
      with ordinality as asked (${sql(columns.map(([name]) => name))}, place), lateral (
      select ${pageColumns(sql, limit)} from (
        select document, updated_at, arrival, service_date
        from claims where ${[sql`true`, ...onPage(sql, first, place, asked)]} ${inOrder(sql, first)}
      ) claims
    ) page
    order by place`.raw()) as unknown as PageRow[];
  return rows.map((row) => pageOf(row, limit));
}

/** That a row is of the state that stood then. As text all the way: as a Date the time would lose its microseconds. */
export const stoodAt = (sql: Sql, asOf: string, ended = false) =>
  ended
    ? sql`updated_at <= ${asOf}::text::timestamptz and ended_at > ${asOf}::text::timestamptz`
    : sql`updated_at <= ${asOf}::text::timestamptz`;

/**
 * A claim as the database sent it, in UTF-8: its document goes out as it is stored, so nothing makes a string of it. The
 * time is in PostgreSQL's form, of UTC.
 */
export interface FoundClaim {
  document: Buffer;
  /** Null where the claim has none. */
  source: Buffer | null;
  updatedAt: string;
  /** The data version that the claim is of. */
  version: string;
}

type FoundRow = [document: Buffer, source: Buffer | null, updatedAt: Buffer, version: Buffer, id: Buffer];

function foundClaim([document, source, updatedAt, version]: FoundRow): FoundClaim {
  return { document, source, updatedAt: updatedAt.toString('latin1'), version: version.toString('latin1') };
}

const foundColumns = (sql: Sql) => sql`document, source, updated_at, (select version from data_version), id`;

/** In the order of the ids, which are UUIDs in lower case; undefined where there is no such claim. */
export async function findClaims(sql: Sql, ids: string[]): Promise<(FoundClaim | undefined)[]> {
  const rows = (await sql`
    select ${foundColumns(sql)} from claims where id = any(${ids}::uuid[])`.raw()) as unknown as FoundRow[];
  // They are few: as keys of a Map, V8 would put them into a table of strings, for 1 % of a look-up.
  const foundIds = rows.map((row) => row[4].toString('latin1'));
  return ids.map((id) => {
    const row = rows[foundIds.indexOf(id)];
    return row && foundClaim(row);
  });
}

export async function findClaimAsOf(sql: Sql, id: string, asOf: string): Promise<FoundClaim | undefined> {
  const [row] = (await sql`
    select ${foundColumns(sql)} from claims where id = ${id} and ${stoodAt(sql, asOf)}
    union all
    select ${foundColumns(sql)} from claim_history where id = ${id} and ${stoodAt(sql, asOf, true)}`.raw()) as unknown as FoundRow[];
  return row && foundClaim(row);
}

/** The secret that signs cursors, the same for every replica. */
export async function cursorSecret(sql: Sql): Promise<Buffer> {
  const [row] = await sql<{ value: Buffer }[]>`select value from service_secrets where name = 'cursor'`;
  if (row === undefined) throw new Error('The database has no cursor secret: its table service_secrets was emptied.');
  return row.value;
}
