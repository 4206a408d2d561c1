-- Stores what came of comparing the texts of corrections. One call is one transaction.
--
-- Outcomes: stored; unauthorized, wrong_workspace, missing_scope, rate_limited. `p_compared` is an array of ids with class, distance and
-- similarity; one that somebody else has compared meanwhile stays as it is.
create or replace function api.agent_compared(p_key_hash bytea, p_workspace_id uuid, p_compared jsonb) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  update noted.agent_note_corrections as correction
    set correction_type = compared.correction_type, edit_distance = compared.edit_distance, similarity = compared.similarity
    from jsonb_to_recordset(p_compared) as compared (id uuid, correction_type text, edit_distance integer, similarity double precision)
    where correction.workspace_id = caller.workspace_id and correction.id = compared.id and correction.correction_type is null;
  -- The statement that this one goes before is the request's own.
  perform auth.uncount_request(caller);
  return auth.reply(caller, 'stored');
end $$;
