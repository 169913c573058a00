-- An upload waits until it is loaded.
alter table imports drop constraint imports_status_check;
alter table imports add constraint imports_status_check
  check (status in ('queued', 'running', 'completed', 'failed', 'refused', 'unknown'));

-- Of the file as it lies on the disk, read so far; null where the format does not tell.
alter table imports add bytes_read bigint;
update imports set bytes_read = size where status = 'completed';

-- Whether the file came over the API: nobody but the process that took it can load it.
alter table imports add uploaded boolean not null default false;
-- ingest/uploads.ts: uploads whose process ended before they did
create index imports_of_uploads_under_way on imports (id) where uploaded and status in ('queued', 'running');
