-- Who exists: workspaces, their people, and the keys that open them.
--
-- Two roles besides the owner. `noted_app` is the login of the components: it owns nothing, reads nothing and may only execute `api.*`.
-- `noted_api` cannot log in: the functions of `api` run as it, with the few table rights they need and under row security. So whoever
-- takes over a component still has to show a key, and a function that forgets its workspace finds no rows.

create schema noted;
create schema auth;
create schema sync;
create schema api;

-- Roles belong to the whole server, so another database may have made them already, perhaps at this very moment.
do $$
begin
  create role noted_api nologin;
exception when duplicate_object or unique_violation then null;
end $$;

do $$
begin
  -- What the pools of one process can hold, twelve components with 64 connections each, and a little less than the server takes by the
  -- advice in docs/operations.md, so that its owner always gets in.
  create role noted_app login connection limit 780;
  -- A component waits four seconds for an answer: what runs longer is wanted by nobody. No transaction outlives a statement, and if one
  -- ever did, its locks should not.
  alter role noted_app set statement_timeout = '3500ms';
  alter role noted_app set lock_timeout = '3s';
  alter role noted_app set idle_in_transaction_session_timeout = '5s';
  -- Each component has a pool of its own that never shrinks. Without this, one burst on one route would leave no connection for the others.
  alter role noted_app set idle_session_timeout = '30s';
exception when duplicate_object or unique_violation then null;
end $$;

-- The owner creates the functions of `api` in the name of the role that they run as.
do $$
begin
  if not pg_has_role(current_user, 'noted_api', 'usage') then
    execute format('grant noted_api to %I with inherit true, set true', current_user);
  end if;
end $$;

grant usage on schema api to noted_app;
grant usage on schema noted, auth, sync to noted_api;
grant usage, create on schema api to noted_api;
-- A function in `api` is callable by the components and by nobody else; one elsewhere only by the role that `api` runs as.
alter default privileges for role noted_api revoke execute on functions from public;
alter default privileges for role noted_api in schema api grant execute on functions to noted_app;
alter default privileges revoke execute on functions from public;

-- A new id. Version 7 UUIDs grow with time, so that new rows lie together; PostgreSQL 17 has no function for them.
create function noted.new_id() returns uuid
language sql volatile parallel safe
return encode(
  set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
    52, 1), 53, 1), 'hex')::uuid;

-- The workspace that this transaction works in. Nothing set means null, and null equals no workspace: the policies then deny.
create function auth.workspace_id() returns uuid
language sql stable parallel safe
return nullif(current_setting('noted.workspace_id', true), '')::uuid;

-- People. They belong to no workspace, so no component may read them.
create table noted.users (
  id uuid not null default noted.new_id(),
  email text not null,
  created_at timestamptz not null default now(),
  constraint users_pkey primary key (id),
  constraint users_email_form check (email like '_%@_%' and octet_length(email) <= 320)
);
create unique index users_email_key on noted.users (lower(email));

create table noted.workspaces (
  id uuid not null default noted.new_id(),
  name text not null,
  tier text not null default 'free',
  created_at timestamptz not null default now(),
  -- The order of all changes in this workspace. Whoever writes holds this row, so the order of commits is the order of `seq`.
  seq bigint not null default 0,
  -- Changes when the database is restored from a copy, so that a client can tell that `seq` went back.
  epoch uuid not null default noted.new_id(),
  -- Kept by every write, so that nothing has to count rows.
  live_notes bigint not null default 0,
  synced_notes bigint not null default 0,
  last_sync_at timestamptz,
  constraint workspaces_pkey primary key (id),
  constraint workspaces_name_form check (octet_length(name) between 1 and 200),
  constraint workspaces_tier_known check (tier in ('free', 'pro', 'dev', 'internal')),
  constraint workspaces_counters_positive check (seq >= 0 and live_notes >= 0 and synced_notes >= 0)
) with (fillfactor = 50); -- Every write updates the one row in place; free room keeps that from growing the table.

create table noted.workspace_members (
  workspace_id uuid not null,
  user_id uuid not null,
  role text not null,
  created_at timestamptz not null default now(),
  constraint workspace_members_pkey primary key (workspace_id, user_id),
  constraint workspace_members_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint workspace_members_user_fkey foreign key (user_id) references noted.users (id) on delete cascade,
  constraint workspace_members_role_known check (role in ('owner', 'editor', 'viewer', 'agent'))
);
create index workspace_members_user on noted.workspace_members (user_id);

-- The only source of keys. What is kept cannot be turned back into a key.
create table noted.user_api_keys (
  workspace_id uuid not null,
  id uuid not null default noted.new_id(),
  user_id uuid not null,
  public_id text not null,
  kind text not null,
  scopes text[] not null default array['notes:read', 'notes:write'],
  key_hash bytea not null,
  last_four text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '90 days',
  revoked_at timestamptz,
  constraint user_api_keys_pkey primary key (workspace_id, id),
  constraint user_api_keys_member_fkey foreign key (workspace_id, user_id) references noted.workspace_members (workspace_id, user_id) on delete cascade,
  constraint user_api_keys_public_id_key unique (workspace_id, public_id),
  -- The one index without a workspace: a request brings nothing but its key.
  constraint user_api_keys_hash_key unique (key_hash),
  constraint user_api_keys_hash_form check (octet_length(key_hash) = 32),
  constraint user_api_keys_last_four_form check (char_length(last_four) = 4),
  constraint user_api_keys_kind_known check (kind in ('user', 'ide', 'agent', 'integration', 'service')),
  constraint user_api_keys_scopes_known check (
    scopes <@ array['notes:read', 'notes:write', 'notes:delete', 'rag:query', 'ide:sync', 'webhooks:manage', 'api_keys:manage'])
);

alter table noted.workspaces enable row level security, force row level security;
create policy workspaces_tenant on noted.workspaces using (id = auth.workspace_id());

alter table noted.workspace_members enable row level security, force row level security;
create policy workspace_members_tenant on noted.workspace_members using (workspace_id = auth.workspace_id());

-- A key's own row is visible to whoever brings that key, before the workspace is known.
alter table noted.user_api_keys enable row level security, force row level security;
create policy user_api_keys_tenant on noted.user_api_keys using (workspace_id = auth.workspace_id());
create policy user_api_keys_shown on noted.user_api_keys for select
  using (key_hash = decode(nullif(current_setting('noted.key_hash', true), ''), 'hex'));

grant select, update on noted.workspaces to noted_api;
grant select on noted.user_api_keys to noted_api;
grant execute on function noted.new_id(), auth.workspace_id() to noted_api;
