-- The functions of `api` that belong to no component: all of them ask these.

set local role noted_api;

-- Whether a caller may ask at all: for requests that are wrong in themselves, so that only those who may ask are told so.
create function api.caller(p_key_hash bytea, p_workspace_id uuid, p_scopes text[]) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, p_scopes);
begin
  return auth.reply(caller, caller.outcome, caller.detail);
end $$;

-- The same before a large body is read, for the price of one look into an index: nothing is counted, because the statement that does the work
-- will count the request.
create function api.known_key(p_key_hash bytea, p_workspace_id uuid, p_scopes text[]) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter_again(p_key_hash, p_workspace_id, p_scopes);
begin
  return auth.reply(caller, caller.outcome, caller.detail);
end $$;

grant execute on function api.caller, api.known_key to noted_app;
