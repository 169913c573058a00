-- Originals that replacements and voids name and that were not there when these were loaded. They are ended as they come.
create table awaited_originals (
  -- As the payer would have numbered it.
  payer_claim_number text not null,
  -- As its provider would have numbered it: some name it so.
  id uuid not null,
  -- The claim that replaces or voids it.
  awaited_by uuid not null,
  primary key (payer_claim_number, awaited_by)
);
create index awaited_originals_by_id on awaited_originals (id);
