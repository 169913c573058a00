import { expect } from 'vitest';
import type { Sql } from '../../src/db/client.ts';

/** Expects the totals that imports keep up to date to be what counting every claim comes to, in one snapshot. */
export async function expectTotalsExact(sql: Sql): Promise<void> {
  const differing = await sql`
    select month, type, sub_type, status, payer_id, sum(claims) as claims, sum(charge) as charge, sum(allowed) as allowed,
      sum(paid) as paid
    from (
      select month, type, sub_type, status, payer_id, claims, charge, allowed, paid from claim_totals
      union all
      select month, type, sub_type, status, payer_id, claims, charge, allowed, paid from claim_total_changes
      union all
      select date_trunc('month', service_date::timestamp)::date, type, sub_type, status, payer_id, -1,
        -coalesce(charge, 0), -coalesce(allowed, 0), -coalesce(paid, 0)
      from claims
    ) counted
    group by 1, 2, 3, 4, 5
    having sum(claims) <> 0 or sum(charge) <> 0 or sum(allowed) <> 0 or sum(paid) <> 0`;
  expect([...differing], 'kept totals less what claims come to').toEqual([]);
}
