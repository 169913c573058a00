-- Claims whose provider is named by its tax number, as remittances may do: each submission asks whether one of them is its
-- own (ingest/message-queries.ts). Mostly there are few, so that the index stays in memory where that of all claims does not.
create index claims_by_tax_number on claims (id) where identifier_system like 'urn:ein:%';
