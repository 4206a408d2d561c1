-- Workspaces and keys: for the owner of the schema only.

-- A workspace with its owner. For the owner of the schema only, like every function here.
create function auth.workspace_create(p_name text, p_owner_email text, p_tier text) returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_workspace_id uuid := noted.new_id();
  v_user_id uuid;
begin
  -- Row security holds for the owner too.
  perform set_config('noted.workspace_id', v_workspace_id::text, true);
  insert into noted.users (email) values (p_owner_email)
    on conflict (lower(email)) do update set email = excluded.email
    returning id into v_user_id;
  insert into noted.workspaces (id, name, tier) values (v_workspace_id, p_name, p_tier);
  insert into noted.workspace_members (workspace_id, user_id, role) values (v_workspace_id, v_user_id, 'owner');
  return v_workspace_id;
end $$;

-- The scopes of a key for which none were named.
create function auth.default_scopes(p_kind text) returns text[]
language sql immutable
return case p_kind
  when 'user' then array['notes:read', 'notes:write', 'notes:delete', 'ide:sync']
  when 'ide' then array['notes:read', 'notes:write', 'notes:delete', 'ide:sync']
  when 'agent' then array['notes:read', 'rag:query']
  when 'integration' then array['notes:read', 'notes:write', 'webhooks:manage']
  else array['notes:read', 'notes:write']
end;

-- A key for a member of a workspace. The key itself never comes here. Null scopes and a null expiry mean the defaults.
create function auth.key_create(
  p_workspace_id uuid, p_email text, p_kind text, p_scopes text[], p_expires_at timestamptz,
  p_key_hash bytea, p_last_four text, p_public_id text
) returns uuid
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_known constant text[] := array['notes:read', 'notes:write', 'notes:delete', 'rag:query', 'ide:sync', 'webhooks:manage', 'api_keys:manage'];
  v_unknown text := (select scope from unnest(p_scopes) as scope where scope <> all (v_known) limit 1);
  v_user_id uuid;
  v_key_id uuid;
begin
  if v_unknown is not null then
    raise exception 'Unknown scope: %', v_unknown using errcode = 'invalid_parameter_value';
  end if;
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  select member.user_id into v_user_id
    from noted.workspace_members as member join noted.users as person on person.id = member.user_id
    where member.workspace_id = p_workspace_id and lower(person.email) = lower(p_email);
  if not found then
    raise exception 'No member % in workspace %', p_email, p_workspace_id using errcode = 'invalid_parameter_value';
  end if;
  insert into noted.user_api_keys (workspace_id, user_id, public_id, kind, scopes, key_hash, last_four, expires_at)
    values (p_workspace_id, v_user_id, p_public_id, p_kind, coalesce(p_scopes, auth.default_scopes(p_kind)), p_key_hash, p_last_four,
            coalesce(p_expires_at, now() + interval '90 days'))
    returning id into v_key_id;
  return v_key_id;
end $$;

-- Gives the names under which a key writes to another key of its workspace, and answers how many they were: what follows when one key takes the
-- place of another. Keys are named by their public ids.
create function auth.hand_over_origins(p_workspace_id uuid, p_from text, p_to text) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_from uuid;
  v_to uuid;
  v_moved bigint;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  select key.id into v_from from noted.user_api_keys as key where key.workspace_id = p_workspace_id and key.public_id = p_from;
  select key.id into v_to from noted.user_api_keys as key
    where key.workspace_id = p_workspace_id and key.public_id = p_to and key.revoked_at is null and key.expires_at > now();
  if v_from is null or v_to is null then
    raise exception 'No key % in workspace %, or it is not valid any more', case when v_from is null then p_from else p_to end, p_workspace_id
      using errcode = 'invalid_parameter_value';
  end if;
  perform sync.lock_workspace(p_workspace_id);
  update noted.sync_origins as taken set key_id = v_to where taken.workspace_id = p_workspace_id and taken.key_id = v_from;
  get diagnostics v_moved = row_count;
  return v_moved;
end $$;
