-- The tree of folders. Changes of it are made under the lock of their workspace, so that no check can be overtaken.

-- A folder as clients see it; `p_path` is made of the names from the top down to its own.
create function sync.folder_json(p_folder noted.folders, p_path text) returns json
language sql stable
return json_build_object(
  'id', (p_folder).id,
  'parent_id', (p_folder).parent_id,
  'name', (p_folder).name,
  'path', p_path,
  'live_notes', (p_folder).live_notes,
  'created_at', sync.instant((p_folder).created_at),
  'updated_at', sync.instant((p_folder).updated_at)
);

-- The folder and all that it lies in, from itself upwards.
create function sync.folder_line(p_workspace_id uuid, p_folder_id uuid) returns setof noted.folders
language sql stable
begin atomic
  with recursive line as (
    select folder.id, folder.parent_id, 1 as height from noted.folders as folder
      where folder.workspace_id = p_workspace_id and folder.id = p_folder_id
    union all
    select parent.id, parent.parent_id, line.height + 1 from line
      join noted.folders as parent on parent.workspace_id = p_workspace_id and parent.id = line.parent_id
  )
  select folder.* from line join noted.folders as folder on folder.workspace_id = p_workspace_id and folder.id = line.id
    order by line.height;
end;

-- The path of a folder.
create function sync.folder_path(p_workspace_id uuid, p_folder_id uuid) returns text
language sql stable
return (
  select string_agg(line.name, '/' order by line.height desc)
    from sync.folder_line(p_workspace_id, p_folder_id) with ordinality as line (
      workspace_id, id, parent_id, name, live_notes, created_at, updated_at, height));

-- How many folders lie in one another below a folder, itself counted.
create function sync.folder_height(p_workspace_id uuid, p_folder_id uuid) returns integer
language sql stable
begin atomic
  with recursive below as (
    select p_folder_id as id, 1 as height
    union all
    select child.id, below.height + 1 from below
      join noted.folders as child on child.workspace_id = p_workspace_id and child.parent_id = below.id
  )
  select max(below.height) from below;
end;

-- Why a folder cannot be put into another one under a name; null if it can. `p_height` is how many folders would be put there in one another, and
-- a null `p_parent_id` is the top.
create function sync.folder_refusal(
  caller auth.caller, p_folder_id uuid, p_parent_id uuid, p_name text, p_height integer, p_depth_max integer
) returns api.reply
language plpgsql stable as $$
declare
  v_line constant uuid[] := array(select line.id from sync.folder_line(caller.workspace_id, p_parent_id) as line);
  v_other uuid;
begin
  if p_parent_id is not null and v_line = '{}' then
    return auth.reply(caller, 'no_folder', to_json(p_parent_id)::text);
  elsif p_folder_id = any (v_line) then
    return auth.reply(caller, 'folder_cycle');
  elsif cardinality(v_line) + p_height > p_depth_max then
    return auth.reply(caller, 'folder_too_deep');
  end if;
  select folder.id into v_other from noted.folders as folder
    where folder.workspace_id = caller.workspace_id and folder.parent_id is not distinct from p_parent_id and folder.name = p_name
      and folder.id is distinct from p_folder_id;
  if found then
    return auth.reply(caller, 'folder_exists', to_json(v_other)::text);
  end if;
  return null;
end $$;

grant execute on function sync.folder_json, sync.folder_line, sync.folder_path, sync.folder_height, sync.folder_refusal to noted_api;
