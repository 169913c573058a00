import type { Sql } from '../db/client.ts';
import { stagedColumns } from './copy.ts';
import { knownHashes } from './queries.ts';
import { totalColumns } from './total-queries.ts';

/**
 * For the transaction. A message finds its claim, and an original what waits for it, by numbers that no row lock is for
 * until it is there: of two transactions at once, neither would see what the other adds. Submissions that name no
 * original are only looked for, so that any number of them are applied at the same time.
 */
export async function lockMessages(sql: Sql, how: 'shared' | 'alone'): Promise<void> {
  // Of two numbers: none of the contents', which are of one.
  if (how === 'shared') await sql`select pg_advisory_xact_lock_shared(1, 1)`;
  else await sql`select pg_advisory_xact_lock(1, 1)`;
}

/** As knownHashes, of ids of claims whose provider is named by its tax number: an index of their own has them. */
export const knownUnderTaxIds = (sql: Sql, ids: string[]): Promise<Map<string, string>> =>
  knownHashes(sql, ids, sql`and identifier_system like 'urn:ein:%'`);

export interface KnownClaim {
  id: string;
  document: string;
  source: string | null;
  /** Hexadecimal. */
  hash: string;
  payerClaimNumber: string | null;
}

/** The claims of these ids, and those that payers gave these numbers; nobody changes them until the transaction ends. */
export function lockClaims(sql: Sql, ids: string[], payerClaimNumbers: string[]): Promise<KnownClaim[]> {
  return sql<KnownClaim[]>`
    select id, document, source, encode(hash, 'hex') as hash, payer_claim_number as "payerClaimNumber" from claims
    where id in (
      select id from claims where id = any(${ids}::uuid[])
      union select id from claims where payer_claim_number = any(${payerClaimNumbers}::text[])
    )
    order by id for update`;
}

/** Ends a claim that turned out to be another one. */
export async function endClaim(sql: Sql, id: string, importId: string, message: string): Promise<void> {
  const columns = sql.unsafe(stagedColumns);
  await sql`
    with ended as (
      delete from claims where id = ${id} returning ${columns}, arrival, version, import_id, updated_at
    ), counted as (
      insert into claim_total_changes (${sql.unsafe(totalColumns)})
      select date_trunc('month', service_date::timestamp), type, sub_type, status, payer_id, -1, -coalesce(charge, 0),
        -coalesce(allowed, 0), -coalesce(paid, 0)
      from ended
    )
    insert into claim_history (${columns}, arrival, version, import_id, updated_at, ended_at, ended_by, ended_message)
    select ${columns}, arrival, version, import_id, updated_at, greatest(now(), updated_at), ${importId}, ${message} from ended`;
}

export async function insertProviders(sql: Sql, providers: Map<string, { taxId: string; npi: string }>): Promise<void> {
  if (providers.size === 0) return;
  // In one order, so that two imports at once never wait for each other.
  const sorted = [...providers.keys()].sort().map((key) => providers.get(key) as { taxId: string; npi: string });
  await sql`
    insert into providers (tax_id, npi)
    select * from unnest(${sorted.map(({ taxId }) => taxId)}::text[], ${sorted.map(({ npi }) => npi)}::text[])
    on conflict do nothing`;
}

/** The NPIs that 837s gave for these tax numbers. */
export function findProviders(sql: Sql, taxIds: string[]): Promise<{ taxId: string; npi: string }[]> {
  return sql<{ taxId: string; npi: string }[]>`
    select tax_id as "taxId", npi from providers where tax_id = any(${taxIds}::text[]) order by tax_id, npi`;
}

/** The original of a replacement or a void, which was not there when that was loaded. */
export interface AwaitedOriginal {
  /** As the payer would have numbered it. */
  payerClaimNumber: string;
  /** As its provider would have numbered it. */
  id: string;
  /** The id of the claim that replaces or voids it. */
  awaitedBy: string;
}

export async function insertAwaitedOriginals(sql: Sql, originals: AwaitedOriginal[]): Promise<void> {
  if (originals.length === 0) return;
  const column = (name: keyof AwaitedOriginal) => originals.map((original) => original[name]);
  await sql`
    insert into awaited_originals (payer_claim_number, id, awaited_by)
    select * from unnest(${column('payerClaimNumber')}::text[], ${column('id')}::uuid[], ${column('awaitedBy')}::uuid[])
    on conflict do nothing`;
}

/** Those of these claim ids, and of these numbers of payers. */
export function findAwaitedOriginals(sql: Sql, ids: string[], payerClaimNumbers: string[]): Promise<AwaitedOriginal[]> {
  return sql<AwaitedOriginal[]>`
    select payer_claim_number as "payerClaimNumber", id, awaited_by as "awaitedBy" from awaited_originals
    where id = any(${ids}::uuid[]) or payer_claim_number = any(${payerClaimNumbers}::text[])
    order by payer_claim_number, awaited_by`;
}
