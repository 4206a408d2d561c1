-- Gives a folder another name, or another place. One call is one transaction.
--
-- Outcomes: updated and unchanged (body: the folder), replayed, key_reused, no_folder (body: the id that is nobody's), folder_exists (body: the id of
-- the folder that has the name there), folder_cycle, folder_too_deep; unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- A null name keeps the one that is there; so does a false `p_sets_parent` for the place, which may be set to null, the top.
create or replace function api.folders_edit(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_folder_id uuid, p_name text, p_sets_parent boolean,
  p_parent_id uuid, p_depth_max integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:write'], 'PATCH /v1/folders/' || p_folder_id, p_idempotency_key, p_request_hash, null, null);
  v_folder noted.folders;
  v_name text;
  v_parent_id uuid;
  v_outcome text := 'unchanged';
  v_refusal api.reply;
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  end if;
  select folder.* into v_folder from noted.folders as folder
    where folder.workspace_id = (v_change.caller).workspace_id and folder.id = p_folder_id;
  if not found then
    return auth.reply(v_change.caller, 'no_folder', to_json(p_folder_id)::text);
  end if;
  v_name := coalesce(p_name, v_folder.name);
  v_parent_id := case when p_sets_parent then p_parent_id else v_folder.parent_id end;

  if (v_name, v_parent_id) is distinct from (v_folder.name, v_folder.parent_id) then
    v_refusal := sync.folder_refusal(
      v_change.caller, p_folder_id, v_parent_id, v_name, sync.folder_height(v_folder.workspace_id, p_folder_id), p_depth_max);
    if v_refusal.outcome is not null then
      return v_refusal;
    end if;
    update noted.folders as folder set name = v_name, parent_id = v_parent_id, updated_at = now()
      where folder.workspace_id = v_folder.workspace_id and folder.id = p_folder_id
      returning folder.* into v_folder;
    v_outcome := 'updated';
  end if;
  return sync.end_change(v_change, sync.refused(auth.reply(
    v_change.caller, v_outcome,
    sync.folder_json(v_folder, sync.folder_path(v_folder.workspace_id, v_folder.id))::text)), null, false);
end $$;
