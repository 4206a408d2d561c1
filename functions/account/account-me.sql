-- Who asks, and what with. One call is one transaction.
--
-- Outcome: read (body: the workspace, the person and the key, as clients see them); unauthorized, wrong_workspace, rate_limited. No scope is needed:
-- whoever holds a key may know what it is.
create or replace function api.account_me(p_key_hash bytea, p_workspace_id uuid) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, '{}');
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  return auth.reply(caller, 'read', (
    select json_build_object(
        'workspace', json_build_object('id', workspace.id, 'name', workspace.name, 'tier', workspace.tier, 'epoch', workspace.epoch),
        'user', auth.me(),
        'key', json_build_object(
          'id', key.id, 'public_id', key.public_id, 'kind', key.kind, 'scopes', key.scopes, 'last_four', key.last_four,
          'created_at', sync.instant(key.created_at), 'expires_at', sync.instant(key.expires_at)),
        'may_manage', auth.manages(caller))::text
      from noted.workspaces as workspace
      join noted.user_api_keys as key on key.workspace_id = workspace.id and key.id = caller.key_id
      where workspace.id = caller.workspace_id));
end $$;
