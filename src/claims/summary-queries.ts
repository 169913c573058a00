import type { Sql } from '../db/client.ts';
import { isMonthEnd, monthEnd } from './date.ts';
import { type ClaimFilters, type Fragment, matching, separated, stoodAt } from './queries.ts';

export const groupings = ['month', 'year', 'type', 'subType', 'status', 'payer', 'provider'] as const;
export type Grouping = (typeof groupings)[number];

/** Claims that are alike in what they are grouped by; counts and exact amounts as text. */
export type ClaimGroup = { [K in Grouping]?: string | null } & {
  claims: string;
  charge: string;
  allowed: string;
  paid: string;
};

/**
 * The groups in the order of what they are grouped by, nothing last; without a grouping the one of all claims. And the
 * data version that they are of. One statement, so that what is kept and what is read are of one moment.
 */
export async function summarizeClaims(
  sql: Sql,
  by: Grouping[],
  filters: ClaimFilters,
  limit: number,
  asOf?: string,
): Promise<{ groups: ClaimGroup[]; version: string }> {
  const keys = by.map((grouping) => sql`${keyOf(sql, grouping)} as ${sql(grouping)},`);
  const places = sql.unsafe(by.map((_, index) => index + 1).join());
  const rows = await sql<(ClaimGroup & { version: string })[]>`
    select groups.*, version from data_version left join (
      select ${separated(sql, keys, sql``)} coalesce(sum(claims), 0) as claims, coalesce(sum(charge), 0.00) as charge,
        coalesce(sum(allowed), 0.00) as allowed, coalesce(sum(paid), 0.00) as paid
      from (${separated(sql, sourcesOf(sql, by, filters, asOf), sql`union all`)}) counted
      ${by.length === 0 ? sql`` : sql`group by ${places} having sum(claims) > 0 order by ${places} limit ${limit}`}
    ) groups on true
    ${by.length === 0 ? sql`` : sql`order by ${places}`}`;
  const [first] = rows;
  if (first === undefined) throw new Error('The database has no data version: its table data_version was emptied.');
  // Where there is no group, there is a row without one.
  const groups = first.claims === null ? [] : rows.map(({ version: _, ...group }) => group as unknown as ClaimGroup);
  return { groups, version: first.version };
}

/** By bytes, as a database's own order depends on where it was made. */
function keyOf(sql: Sql, grouping: Grouping): Fragment {
  switch (grouping) {
    case 'month':
      return sql`to_char(month, 'YYYY-MM') collate "C"`;
    case 'year':
      return sql`to_char(month, 'YYYY') collate "C"`;
    case 'type':
      return sql`type collate "C"`;
    case 'subType':
      return sql`sub_type collate "C"`;
    case 'status':
      return sql`status collate "C"`;
    case 'payer':
      return sql`payer_id collate "C"`;
    case 'provider':
      return sql`provider_id collate "C"`;
  }
}

/** Whether the totals that imports keep tell the claims apart that are asked for; parts of months they do not. */
function areKept(by: Grouping[], filters: ClaimFilters, asOf: string | undefined): boolean {
  const { patient, provider, diagnosis, procedure, updatedSince } = filters;
  const others = [patient, provider, diagnosis, procedure, updatedSince, asOf];
  return !by.includes('provider') && others.every((filter) => filter === undefined);
}

function sourcesOf(sql: Sql, by: Grouping[], filters: ClaimFilters, asOf: string | undefined): Fragment[] {
  if (asOf !== undefined) {
    return [
      read(sql, sql`claims`, filters, stoodAt(sql, asOf)),
      read(sql, sql`claim_history`, filters, stoodAt(sql, asOf, true)),
    ];
  }
  const { serviceFrom: from, serviceTo: to, ...others } = filters;
  if (!areKept(by, filters, asOf) || (from !== undefined && to !== undefined && from > to)) {
    return [read(sql, sql`claims`, filters)];
  }
  const months = sql`
    ${from === undefined ? sql`` : sql`and month >= ${from}`}
    ${to === undefined ? sql`` : isMonthEnd(to) ? sql`and month <= ${to}` : sql`and month < ${monthStart(to)}`}`;
  const kept = ['claim_totals', 'claim_total_changes'].map(
    (table) => sql`
      select month, type, sub_type, status, payer_id, null as provider_id, claims, charge, allowed, paid
      from ${sql(table)} where ${[sql`true`, ...matching(sql, others)]} ${months}`,
  );
  const parts = partsOfMonths(from, to).map((days) => read(sql, sql`claims`, { ...others, ...days }));
  return [...kept, ...parts];
}

/** The states of a table, each as what it adds to the totals. */
const read = (sql: Sql, table: Fragment, filters: ClaimFilters, standing = sql`true`) => sql`
  select date_trunc('month', service_date::timestamp) as month, type, sub_type, status, payer_id, provider_id,
    1 as claims, charge, allowed, paid
  from ${table} where ${[standing, ...matching(sql, filters)]}`;

const monthStart = (day: string) => `${day.slice(0, 7)}-01`;

interface Days {
  serviceFrom: string;
  serviceTo: string;
}

/** What of a span lies in months of which not every day is in it: at its beginning, at its end, or all of it. */
export function partsOfMonths(from: string | undefined, to: string | undefined): Days[] {
  const isBroken = from !== undefined && from !== monthStart(from);
  const isBrokenOff = to !== undefined && !isMonthEnd(to);
  if (from !== undefined && to !== undefined && monthStart(from) === monthStart(to)) {
    return isBroken || isBrokenOff ? [{ serviceFrom: from, serviceTo: to }] : [];
  }
  const parts: Days[] = [];
  if (isBroken) parts.push({ serviceFrom: from, serviceTo: monthEnd(from) });
  if (isBrokenOff) parts.push({ serviceFrom: monthStart(to), serviceTo: to });
  return parts;
}
