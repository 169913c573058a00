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

export interface ClaimDocument {
  id: string;
  document: string;
  serviceDate: string;
  updatedAt: Date;
}

/**
 * What the filters ask of a row, each behind an `and`. The text depends on which filters are given, not on what they say,
 * so that the statements a connection keeps prepared are as few as the questions that are asked.
 */
export function matching(sql: Sql, filters: ClaimFilters) {
  const {
    patient,
    type,
    subType,
    status,
    provider,
    payer,
    diagnosis,
    procedure,
    serviceFrom,
    serviceTo,
    updatedSince,
  } = filters;
  const none = sql``;
  return sql`
    ${patient === undefined ? none : sql`and patient_id = ${patient}`}
    ${type === undefined ? none : sql`and type = ${type}`}
    ${subType === undefined ? none : sql`and sub_type = ${subType}`}
    ${status === undefined ? none : sql`and status = ${status}`}
    ${provider === undefined ? none : sql`and provider_id = ${provider}`}
    ${payer === undefined ? none : sql`and payer_id = ${payer}`}
    ${diagnosis === undefined ? none : sql`and diagnoses @> array[${searchCode(diagnosis)}]`}
    ${procedure === undefined ? none : sql`and procedures @> array[${searchCode(procedure)}]`}
    ${serviceFrom === undefined ? none : sql`and service_date >= ${serviceFrom}`}
    ${serviceTo === undefined ? none : sql`and service_date <= ${serviceTo}`}
    ${updatedSince === undefined ? none : sql`and updated_at >= ${updatedSince}::timestamptz`}`;
}

/** A page by keyset. */
export function listClaims(
  sql: Sql,
  filters: ClaimFilters,
  sort: ClaimSort,
  limit: number,
  after: Place | undefined,
  asOf?: string,
): Promise<ClaimDocument[]> {
  const { serviceFrom, serviceTo } = filters;
  const descending = sort === '-serviceDate';
  // A page goes on inside the days that were asked for, so the day it has left behind need not be named again. Where it
  // is, PostgreSQL starts there and passes over all pages before: 443 blocks instead of 29 half-way through 200,000 claims.
  const from = after && !descending ? undefined : serviceFrom;
  const to = after && descending ? undefined : serviceTo;
  const none = sql``;
  const order = descending ? sql`service_date desc, id desc` : sql`service_date, id`;
  const page = (table: ReturnType<typeof fragment>, standing: ReturnType<typeof fragment>) => sql`
    select id, document, service_date as "serviceDate", updated_at as "updatedAt"
    from ${table}
    where ${standing}
      ${matching(sql, { ...filters, serviceFrom: from, serviceTo: to })}
      ${after === undefined ? none : descending ? sql`and (service_date, id) < (${after.serviceDate}::date, ${after.id}::uuid)` : sql`and (service_date, id) > (${after.serviceDate}::date, ${after.id}::uuid)`}
    order by ${order}
    limit ${limit}`;
  if (asOf === undefined) return sql<ClaimDocument[]>`${page(sql`claims`, sql`true`)}`;
  // Each part reads no more than a page from an index; together they hold it.
  return sql<ClaimDocument[]>`
    select * from (
      (${page(sql`claims`, stoodAt(sql, asOf))}) union all (${page(sql`claim_history`, stoodAt(sql, asOf, true))})
    ) states
    order by ${descending ? sql`"serviceDate" desc, id desc` : sql`"serviceDate", id`}
    limit ${limit}`;
}

/** What a part of a statement is, to the types of postgres.js. */
const fragment = (sql: Sql) => sql``;

/** That a row is of the state that stood then. As text all the way: as a Date the time would lose its microseconds. */
export const stoodAt = (sql: Sql, asOf: string, ended = false) =>
  ended
    ? sql`updated_at <= ${asOf}::text::timestamptz and ended_at > ${asOf}::text::timestamptz`
    : sql`updated_at <= ${asOf}::text::timestamptz`;

export interface StoredClaim {
  document: string;
  source: string | null;
  updatedAt: Date;
}

export async function findClaim(sql: Sql, id: string): Promise<StoredClaim | undefined> {
  const [row] = await sql<StoredClaim[]>`
    select document, source, updated_at as "updatedAt" from claims where id = ${id}`;
  return row;
}

export async function findClaimAsOf(sql: Sql, id: string, asOf: string): Promise<StoredClaim | undefined> {
  const [row] = await sql<StoredClaim[]>`
    select document, source, updated_at as "updatedAt" from claims where id = ${id} and ${stoodAt(sql, asOf)}
    union all
    select document, source, updated_at from claim_history where id = ${id} and ${stoodAt(sql, asOf, true)}`;
  return row;
}

/** The secret that signs cursors, the same for every replica. */
export async function cursorSecret(sql: Sql): Promise<Buffer> {
  const [row] = await sql<{ value: Buffer }[]>`select value from service_secrets where name = 'cursor'`;
  if (row === undefined) throw new Error('The database has no cursor secret: its table service_secrets was emptied.');
  return row.value;
}
