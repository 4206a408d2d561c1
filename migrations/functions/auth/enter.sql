-- Who asks, and how the answer begins: the first statement of every function in `api`.

-- The first statement of every function in `api`. Checks the key, its scopes and its rate in that order, and from then on lets the
-- transaction see the key's workspace and nothing else. A null `p_workspace_id` means that the client named none.
create function auth.enter(p_key_hash bytea, p_workspace_id uuid, p_scopes text[]) returns auth.caller
language plpgsql volatile as $$
declare
  caller auth.caller;
begin
  -- Shows the one row of this key, whatever its workspace.
  perform set_config('noted.key_hash', encode(p_key_hash, 'hex'), true);
  select key.workspace_id, key.user_id, key.id, key.kind, key.scopes
    into caller.workspace_id, caller.user_id, caller.key_id, caller.kind, caller.scopes
    from noted.user_api_keys as key
    where key.key_hash = p_key_hash and key.revoked_at is null and key.expires_at > now();
  if not found then
    caller.outcome := 'unauthorized';
    return caller;
  end if;
  perform set_config('noted.workspace_id', caller.workspace_id::text, true);

  if p_workspace_id <> caller.workspace_id then
    caller.outcome := 'wrong_workspace';
    return caller;
  end if;
  caller.detail := (select scope from unnest(p_scopes) as scope where scope <> all (caller.scopes) limit 1);
  if caller.detail is not null then
    caller.outcome := 'missing_scope';
    return caller;
  end if;

  caller.outcome := 'entered';
  select auth.rate_limit(workspace.tier), workspace.stored_bytes >= auth.bytes_max(workspace.tier), workspace.generation
    into caller.rate_limit, caller.is_full, caller.generation
    from noted.workspaces as workspace where workspace.id = caller.workspace_id;
  if caller.rate_limit is not null then
    caller := auth.count_request(caller);
  end if;
  return caller;
end $$;

-- The caller of one of several statements of a request: it is counted by another one.
create function auth.enter_again(p_key_hash bytea, p_workspace_id uuid, p_scopes text[]) returns auth.caller
language plpgsql volatile as $$
declare
  caller auth.caller;
begin
  perform set_config('noted.key_hash', encode(p_key_hash, 'hex'), true);
  select 'entered', key.workspace_id, key.user_id, key.id, key.kind, key.scopes
    into caller.outcome, caller.workspace_id, caller.user_id, caller.key_id, caller.kind, caller.scopes
    from noted.user_api_keys as key
    where key.key_hash = p_key_hash and key.revoked_at is null and key.expires_at > now();
  if not found then
    caller.outcome := 'unauthorized';
  elsif p_workspace_id <> caller.workspace_id then
    caller.outcome := 'wrong_workspace';
  elsif not p_scopes <@ caller.scopes then
    caller.outcome := 'missing_scope';
    caller.detail := (select scope from unnest(p_scopes) as scope where scope <> all (caller.scopes) limit 1);
  end if;
  perform set_config('noted.workspace_id', caller.workspace_id::text, true);
  return caller;
end $$;

-- The writer that a request names, or the key that it brings.
create function auth.origin(caller auth.caller, p_origin text) returns text
language sql immutable
return coalesce(p_origin, 'key-' || (caller).key_id);

-- Whether the caller may be shown texts and titles: what stands in the way of a write is told to everybody, what it says only to readers.
create function auth.may_read(caller auth.caller) returns boolean
language sql immutable
return 'notes:read' = any ((caller).scopes);

-- A caller's answer, with what every answer says about the rate.
create function auth.reply(caller auth.caller, outcome text, body text default null, bulk text default null) returns api.reply
language sql stable
return row(
  outcome, body, bulk, (caller).user_id::text, (caller).rate_limit, (caller).rate_remaining,
  (extract(epoch from (caller).rate_reset_at) * 1000000)::bigint
)::api.reply;

grant execute on function auth.enter, auth.enter_again, auth.origin, auth.may_read, auth.reply to noted_api;
