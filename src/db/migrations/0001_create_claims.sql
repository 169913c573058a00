-- A claim: its document as it is served, and beside it what is searched, sorted and summed.
-- Every unique key holds the id and nothing refers to these tables, so that Citus can distribute them by id.
create table claims (
  id uuid primary key,            -- UUIDv8 of identifier_system and identifier_value (claims/identity.ts)
  identifier_system text not null,
  identifier_value text not null, -- the claim's own number in its source system
  type text not null,
  sub_type text,
  status text not null,
  patient_id text not null,
  provider_id text,               -- the billing provider's NPI, else its number with the payer
  payer_id text,
  service_date date not null,     -- the first day of service
  service_date_end date not null, -- the last day of service
  charge numeric(14, 2),          -- US dollars, as the three below
  allowed numeric(14, 2),
  paid numeric(14, 2),
  patient_responsibility numeric(14, 2),
  diagnoses text[] not null,
  procedures text[] not null,     -- of the claim and of its items
  document text not null,         -- the canonical claim as JSON, without source
  source text,                    -- a JSON object: what the file held and the canonical claim has no place for
  hash bytea not null,            -- of document and source: tells a changed claim from an unchanged one
  version integer not null,       -- 1, and one more with each change
  import_id uuid not null,        -- the import that brought this state
  updated_at timestamptz not null -- when this state came; start of the transaction
);

-- GET /api/claims, newest or oldest first, by any filter that leaves most claims in
create index claims_by_service_date on claims (service_date, id);
-- GET /api/claims?patient=…, ?provider=…, ?payer=…, ?type=…, ?subType=…, ?status=…
create index claims_by_patient on claims (patient_id, service_date, id);
create index claims_by_provider on claims (provider_id, service_date, id);
create index claims_by_payer on claims (payer_id, service_date, id);
create index claims_by_type on claims (type, service_date, id);
create index claims_by_sub_type on claims (sub_type, service_date, id);
create index claims_by_status on claims (status, service_date, id);
-- GET /api/claims?updatedSince=…
create index claims_by_updated_at on claims (updated_at);
-- GET /api/claims?diagnosis=…, ?procedure=…
create index claims_by_diagnosis on claims using gin (diagnoses);
create index claims_by_procedure on claims using gin (procedures);

-- The earlier states of claims, each with what ended it.
create table claim_history (
  like claims,
  ended_at timestamptz not null,
  ended_by uuid not null,         -- the import
  primary key (id, version)
);

-- What beneficiary files say of a patient; merged into the documents of the patient's claims.
create table patients (
  system text not null,           -- of the patient's id, as in the claim's patient.system
  id text not null,
  birth_date date,
  gender text,
  as_of integer not null,         -- the reference year of the row; 0 where it has none. The latest one holds.
  primary key (system, id)
);

-- One load of a file's content, and what became of it.
create table imports (
  id uuid primary key,
  file text not null,             -- below the data directory
  size bigint not null,           -- bytes, as they are in the file
  content_hash bytea not null,    -- SHA-256
  format text,
  status text not null check (status in ('running', 'completed', 'failed', 'refused', 'unknown')),
  reason text,                    -- of refused, failed and unknown
  resume jsonb,                   -- where a load that was ended goes on: the format's own position
  read bigint not null default 0, -- records, of which the following are parts
  added bigint not null default 0,
  changed bigint not null default 0,
  unchanged bigint not null default 0,
  rejected bigint not null default 0,
  started_at timestamptz not null,
  finished_at timestamptz,
  seconds double precision not null default 0 -- spent loading, over all attempts
);

-- GET /api/imports, newest first
create index imports_by_started_at on imports (started_at, id);
-- ingest/scan.ts: a content that was loaded before
create index imports_by_content on imports (content_hash, started_at);

-- The import that last loaded each file, so that a file is known without reading it.
create table import_files (
  file text primary key,
  size bigint not null,
  modified_at timestamptz not null,
  import_id uuid not null
);

-- What was not taken.
create table import_rejects (
  import_id uuid not null,
  number integer not null,        -- 1, 2, 3, … within the import
  position bigint not null,       -- counted in unit, from 1
  unit text not null,             -- line, row, element
  claim text,                     -- the claim's number, where it could be read
  field text,
  reason text not null,           -- holds no value of the record
  primary key (import_id, number)
);
