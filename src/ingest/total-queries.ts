import type { Sql } from '../db/client.ts';

/** Of claim_totals and of claim_total_changes. */
export const totalColumns = 'month, type, sub_type, status, payer_id, claims, charge, allowed, paid';

/** What some claims add to the totals: those of one kind. Amounts are decimal text. */
export interface TotalChange {
  /** Its first day. */
  month: string;
  type: string;
  subType: string | undefined;
  status: string;
  payerId: string | undefined;
  claims: number;
  charge: string;
  allowed: string;
  paid: string;
}

export async function insertTotalChanges(sql: Sql, changes: TotalChange[]): Promise<void> {
  if (changes.length === 0) return;
  const column = (name: keyof TotalChange) => changes.map((change) => change[name] ?? null) as string[];
  await sql`
    insert into claim_total_changes (${sql.unsafe(totalColumns)})
    select * from unnest(${column('month')}::date[], ${column('type')}::text[], ${column('subType')}::text[],
      ${column('status')}::text[], ${column('payerId')}::text[], ${column('claims')}::bigint[],
      ${column('charge')}::numeric[], ${column('allowed')}::numeric[], ${column('paid')}::numeric[])`;
}

/**
 * Adds the changes up, for the reads that come. Where another does so, or a change is not committed yet, they are left to
 * the next time: nobody waits, and nobody reads anything else meanwhile.
 */
export async function foldTotalChanges(sql: Sql): Promise<void> {
  await sql`
    with taken as (
      delete from claim_total_changes where (select pg_try_advisory_xact_lock(1, 3))
      returning ${sql.unsafe(totalColumns)}
    )
    insert into claim_totals as t (${sql.unsafe(totalColumns)})
    select month, type, sub_type, status, payer_id, sum(claims), sum(charge), sum(allowed), sum(paid)
    from taken group by month, type, sub_type, status, payer_id
    on conflict (month, type, sub_type, status, payer_id) do update set
      claims = t.claims + excluded.claims, charge = t.charge + excluded.charge,
      allowed = t.allowed + excluded.allowed, paid = t.paid + excluded.paid`;
}
