-- All folders of a workspace, each after the one that it lies in. One call is one transaction.
--
-- Outcomes: listed (body: the list's entity tag; bulk: the folders as a JSON array), not_modified (body: the tag, which is one of `p_known_tags`);
-- unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.folders_list(p_key_hash bytea, p_workspace_id uuid, p_known_tags text[]) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_folders text;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  with recursive tree as (
    select folder.id, folder.name as path, array[folder.name] as names from noted.folders as folder
      where folder.workspace_id = caller.workspace_id and folder.parent_id is null
    union all
    select child.id, tree.path || '/' || child.name, tree.names || child.name from tree
      join noted.folders as child on child.workspace_id = caller.workspace_id and child.parent_id = tree.id
  )
  select coalesce(json_agg(sync.folder_json(folder, tree.path) order by tree.names), '[]')::text into v_folders
    from tree join noted.folders as folder on folder.workspace_id = caller.workspace_id and folder.id = tree.id;
  return sync.tagged(caller, '{}', v_folders, p_known_tags);
end $$;
