-- The one function of `api` that belongs to no component: all of them ask it.

set local role noted_api;

-- Whether a caller may ask at all: for requests that are wrong in themselves, so that only those who may ask are told so.
create function api.caller(p_key_hash bytea, p_workspace_id uuid, p_scopes text[]) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, p_scopes);
begin
  return auth.reply(caller, caller.outcome, caller.detail);
end $$;

grant execute on function api.caller to noted_app;
