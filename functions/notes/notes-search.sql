-- Searches notes by their words. One call is one transaction.
--
-- Outcomes: found (bulk: a JSON array of results, best first); unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.notes_search(
  p_key_hash bytea, p_workspace_id uuid, p_terms text[], p_candidates text[], p_must text, p_filter text, p_limit integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_filter search.filter;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  if p_filter is not null then
    v_filter := jsonb_populate_record(null::search.filter, p_filter::jsonb);
  end if;
  return auth.reply(caller, 'found', null, search.find(
    caller.workspace_id, p_terms, p_candidates, p_must, '{}', '{}', '{}', 0, v_filter, p_limit)::text);
end $$;
