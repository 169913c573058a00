-- Raised by every transaction that changes claims (ingest/pipeline.ts): the answers of one version are all of one state.
create table data_version (
  one boolean primary key default true check (one),
  version bigint not null
);
insert into data_version (version) values (1);
