-- Folders can be made, changed and deleted through `api`.

alter table noted.folders add column updated_at timestamptz not null default now();
grant insert, delete on noted.folders to noted_api;

-- Two components more, with 64 connections each at most.
do $$
begin
  alter role noted_app connection limit 960;
exception when insufficient_privilege then null;
end $$;
