-- Makes a folder. One call is one transaction.
--
-- Outcomes: created (body: the folder), replayed (the same, from an earlier request with this key), key_reused, no_folder (body: the parent's id, which
-- is nobody's), folder_exists (body: the id of the folder that has the name), folder_too_deep, too_many; unauthorized, wrong_workspace,
-- missing_scope, rate_limited. A null `p_parent_id` is the top.
create or replace function api.folders_create(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_parent_id uuid, p_name text, p_depth_max integer,
  p_folders_max integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:write'], 'POST /v1/folders', p_idempotency_key, p_request_hash, null, null);
  v_refusal api.reply;
  v_folder noted.folders;
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  end if;
  v_refusal := sync.folder_refusal(v_change.caller, null, p_parent_id, p_name, 1, p_depth_max);
  if v_refusal.outcome is not null then
    return v_refusal;
  elsif (select count(*) from noted.folders as folder where folder.workspace_id = (v_change.caller).workspace_id) >= p_folders_max then
    return auth.reply(v_change.caller, 'too_many');
  end if;
  insert into noted.folders (workspace_id, parent_id, name) values ((v_change.caller).workspace_id, p_parent_id, p_name) returning * into v_folder;
  return sync.end_change(v_change, sync.refused(auth.reply(
    v_change.caller, 'created',
    sync.folder_json(v_folder, sync.folder_path(v_folder.workspace_id, v_folder.id))::text)), null, false);
end $$;
