-- How the vectors of a workspace stand. One call is one transaction.
--
-- Outcome: status (bulk: the answer as clients see it); unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.embeddings_status(p_key_hash bytea, p_workspace_id uuid) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  return auth.reply(caller, 'status', null, search.status_json(caller.workspace_id)::text);
end $$;
