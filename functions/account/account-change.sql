-- Sets how the workspace works. One call is one transaction.
--
-- Outcomes: read (body: the settings as they are now), not_owner; unauthorized, wrong_workspace, rate_limited. What is null stays as it is.
create or replace function api.account_change(
  p_key_hash bytea, p_workspace_id uuid, p_ai_processing boolean, p_agent_note_bytes_max integer, p_agent_refused_words text[],
  p_conflict_retention_days integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, '{}');
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  elsif not auth.manages(caller) then
    return auth.reply(caller, 'not_owner');
  end if;
  -- Consent that is given again would queue every note again.
  if p_ai_processing <> (select workspace.ai_processing from noted.workspaces as workspace where workspace.id = caller.workspace_id) then
    perform search.set_consent(caller.workspace_id, p_ai_processing);
  end if;
  perform sync.set_agent_rules(caller.workspace_id, p_agent_note_bytes_max, p_agent_refused_words);
  perform sync.set_conflict_retention(caller.workspace_id, p_conflict_retention_days);
  return auth.reply(caller, 'read', sync.settings_json(caller.workspace_id)::text);
end $$;
