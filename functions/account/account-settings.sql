-- What the workspace sets for itself. One call is one transaction.
--
-- Outcome: read (body: the settings); unauthorized, wrong_workspace, rate_limited. No scope is needed: the settings say how every key is treated.
create or replace function api.account_settings(p_key_hash bytea, p_workspace_id uuid) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, '{}');
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  return auth.reply(caller, 'read', sync.settings_json(caller.workspace_id)::text);
end $$;
