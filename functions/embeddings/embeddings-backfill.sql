-- Queues every note of a workspace for its vectors, those that were given up too. What has its vectors already costs nothing. One call is one
-- transaction.
--
-- Outcomes: queued (body: how many notes), no_consent; unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.embeddings_backfill(p_key_hash bytea, p_workspace_id uuid) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:write']);
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  elsif not (select workspace.ai_processing from noted.workspaces as workspace where workspace.id = caller.workspace_id) then
    return auth.reply(caller, 'no_consent');
  end if;
  -- As every writer of the workspace, before any of its notes.
  perform sync.lock_workspace(caller.workspace_id);
  return auth.reply(caller, 'queued', search.queue(caller.workspace_id)::text);
end $$;
