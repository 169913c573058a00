-- GET /api/claims/summary: how many claims there are of each kind, and the sums of their amounts. No claim is counted here
-- twice or missed: whatever writes claims appends what that changes in the same transaction (ingest/totals.ts). As these
-- rows are only ever appended, imports at the same time neither wait for each other nor meet in a deadlock; the end of an
-- import folds them into one row of a kind. What stands is the sum of both tables.
-- Nothing here is of one claim, so Citus can leave the tables as they are, or distribute them by month.
create table claim_totals (
  month date not null,             -- the first day of the month of claims.service_date
  type text not null,
  sub_type text,
  status text not null,
  payer_id text,
  claims bigint not null,          -- 0 where all of the kind became others
  charge numeric(30, 2) not null,  -- US dollars, as the two below; 0 where no claim has one
  allowed numeric(30, 2) not null,
  paid numeric(30, 2) not null,
  unique nulls not distinct (month, type, sub_type, status, payer_id)
);

-- What is not folded yet; negative where claims were changed or ended.
create table claim_total_changes (
  month date not null,
  type text not null,
  sub_type text,
  status text not null,
  payer_id text,
  claims bigint not null,
  charge numeric(30, 2) not null,
  allowed numeric(30, 2) not null,
  paid numeric(30, 2) not null
);

-- A batch that is being written is waited for: its claims are counted here.
lock table claims in share mode;
insert into claim_totals (month, type, sub_type, status, payer_id, claims, charge, allowed, paid)
select date_trunc('month', service_date::timestamp), type, sub_type, status, payer_id, count(*),
  coalesce(sum(charge), 0), coalesce(sum(allowed), 0), coalesce(sum(paid), 0)
from claims group by 1, 2, 3, 4, 5;
