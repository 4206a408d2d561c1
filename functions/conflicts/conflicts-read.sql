-- One conflict with both texts, archived or not. One call is one transaction.
--
-- Outcomes: read (bulk: the conflict), no_conflict; unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.conflicts_read(p_key_hash bytea, p_workspace_id uuid, p_conflict_id uuid) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_conflict noted.sync_conflicts;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_conflict := sync.conflict_of(caller.workspace_id, p_conflict_id);
  if v_conflict.id is null then
    return auth.reply(caller, 'no_conflict');
  end if;
  return auth.reply(caller, 'read', null, sync.conflict_json(v_conflict, true)::text);
end $$;
