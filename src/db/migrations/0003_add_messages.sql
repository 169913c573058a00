-- What brought the state of a claim, beside the import: {"type":"remittance","unit":"segment","position":17,…}.
alter table claims add message text;
alter table claim_history add message text;
alter table claim_history add ended_message text; -- null where a patient's file changed the claim

-- The number that the payer gave the claim: 277 and 835, and replacements and voids (837), name claims by it.
alter table claims add payer_claim_number text;
alter table claim_history add payer_claim_number text;
create index claims_by_payer_claim_number on claims (payer_claim_number) where payer_claim_number is not null;

-- GET /api/claims?asOf=…: the earlier states that stood then
create index claim_history_by_service_date on claim_history (service_date, id);
create index claim_history_by_patient on claim_history (patient_id, service_date, id);

-- The NPIs of a tax number, from 837s: a remittance may name its payee by the tax number alone.
create table providers (
  tax_id text not null,
  npi text not null,
  primary key (tax_id, npi)
);

-- A warning is about something that was taken all the same.
alter table import_rejects add kind text not null default 'reject' check (kind in ('reject', 'warning'));
alter table imports add warned bigint not null default 0;

-- A claim that is new is copied into the table without them.
alter table claims alter version set default 1;
alter table claims alter updated_at set default now();
