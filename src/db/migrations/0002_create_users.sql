create table users (
  name text primary key check (name = lower(name)),
  password_hash text not null,    -- argon2id, PHC string format
  scopes text[] not null,
  demo boolean not null default false, -- logs in only while the service runs in demo mode
  created_at timestamptz not null default now(),
  disabled_at timestamptz,
  tokens_valid_from timestamptz not null default now() -- tokens issued before are refused; set by passwd and disable
);

-- Secrets that every replica shares and no restart changes.
create table service_secrets (
  name text primary key,
  value bytea not null
);

-- Signs list cursors, so that a forged one is told from one that this service gave.
insert into service_secrets (name, value)
values ('cursor', sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
