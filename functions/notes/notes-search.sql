-- Searches notes by their words. One call is one transaction.
--
-- Outcomes: found (bulk: what `search.find` answers); unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.notes_search(
  p_key_hash bytea, p_workspace_id uuid, p_question text, p_filter text, p_limit integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  return auth.reply(caller, 'found', null, search.find(
    caller.workspace_id, 'text', p_question::jsonb, '{}', '{}', '{}', '{}', p_filter::jsonb, p_limit)::text);
end $$;
