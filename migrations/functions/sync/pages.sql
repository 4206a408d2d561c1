-- Which notes a page shows, and how many of them fit.

-- Finds live notes in the order of their ids. Null conditions do not apply.
create function sync.find_notes(
  p_workspace_id uuid, p_folder_id uuid, p_note_type text, p_path_prefix text, p_updated_since timestamptz, p_updated_before timestamptz,
  p_after uuid, p_offset integer, p_limit integer
) returns sync.found_notes
language plpgsql stable as $$
declare
  v_after constant uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
  v_pattern constant text := regexp_replace(p_path_prefix, '([\\%_])', '\\\1', 'g') || '%';
  v_found sync.found_notes;
begin
  if coalesce(p_note_type, p_path_prefix) is not null or coalesce(p_updated_since, p_updated_before) is not null then
    -- How many match is a number that no counter holds, so they are all found, by the index of whichever condition is the narrowest.
    with matching as materialized (
      select note.id from noted.notes as note
        where note.workspace_id = p_workspace_id and note.deleted_at is null
          and (p_folder_id is null or note.folder_id = p_folder_id)
          and (p_note_type is null or note.note_type = p_note_type)
          and (p_path_prefix is null or note.ide_file_path like v_pattern)
          and (p_updated_since is null or note.updated_at >= p_updated_since)
          and (p_updated_before is null or note.updated_at < p_updated_before)
    )
    select count(*), array(select matching.id from matching where matching.id > v_after order by matching.id offset p_offset limit p_limit + 1)
      into v_found.total, v_found.ids from matching;
  elsif p_folder_id is not null then
    v_found.ids := array(select note.id from noted.notes as note
      where note.workspace_id = p_workspace_id and note.deleted_at is null and note.folder_id = p_folder_id and note.id > v_after
      order by note.id offset p_offset limit p_limit + 1);
    v_found.total := coalesce((select folder.live_notes from noted.folders as folder
      where folder.workspace_id = p_workspace_id and folder.id = p_folder_id), 0);
  else
    v_found.ids := array(select note.id from noted.notes as note
      where note.workspace_id = p_workspace_id and note.deleted_at is null and note.id > v_after
      order by note.id offset p_offset limit p_limit + 1);
    select workspace.live_notes into v_found.total from noted.workspaces as workspace where workspace.id = p_workspace_id;
  end if;
  return v_found;
end $$;

-- How many of the first notes fit a page: at most `p_limit`, and at most `p_bytes_max` of text if that is not null, but always one.
create function sync.count_fitting(p_workspace_id uuid, p_ids uuid[], p_limit integer, p_bytes_max integer) returns bigint
language plpgsql stable as $$
declare
  v_count bigint := least(cardinality(p_ids), p_limit);
begin
  if p_bytes_max is not null then
    select count(*) into v_count from (
      select wanted.place, sum(octet_length(note.content)) over (order by wanted.place) as bytes
        from unnest(p_ids[:p_limit]) with ordinality as wanted (id, place)
        join noted.notes as note on note.workspace_id = p_workspace_id and note.id = wanted.id
    ) as page
    where page.place = 1 or page.bytes <= p_bytes_max;
  end if;
  return v_count;
end $$;

grant execute on function sync.find_notes, sync.count_fitting to noted_api;
