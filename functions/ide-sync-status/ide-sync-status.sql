-- How syncing stands for a key. One call is one transaction.
--
-- Outcomes: status (body: the counters of the workspace; the rate is in every reply); unauthorized, wrong_workspace, missing_scope,
-- rate_limited.
create or replace function api.ide_sync_status(p_key_hash bytea, p_workspace_id uuid) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read', 'ide:sync']);
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  return auth.reply(caller, 'status', (
    select json_build_object('total_synced_notes', workspace.synced_notes, 'last_sync_at', sync.instant(workspace.last_sync_at))::text
      from noted.workspaces as workspace where workspace.id = caller.workspace_id
  ));
end $$;
