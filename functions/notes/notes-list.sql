-- A page of live notes in the order of their ids, which is the order of creation. One call is one transaction.
--
-- Outcomes: listed (body: total, has_more, the last id and the page's entity tag; bulk: the notes as a JSON array), not_modified (body: the
-- tag, which is one of `p_known_tags`); unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- Null conditions do not apply. Notes have the named fields only. The page ends early rather than hold more than `p_bytes_max` of text, but
-- it always holds one note. The tag changes with every change of the workspace and with `p_query`.
create or replace function api.notes_list(
  p_key_hash bytea, p_workspace_id uuid, p_folder_id uuid, p_note_type text, p_path_prefix text, p_updated_since timestamptz,
  p_updated_before timestamptz, p_after uuid, p_limit integer, p_bytes_max integer, p_fields text[], p_query text, p_known_tags text[]
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_with_content constant boolean := 'content' = any (p_fields);
  v_tag text;
  v_found sync.found_notes;
  v_count bigint;
  v_notes text;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  -- Read before the notes: a change between the two makes the tag too old, and so only asks the client once more.
  select '"' || encode(substr(sha256(convert_to(concat_ws(' ', workspace.epoch, workspace.seq, p_query), 'UTF8')), 1, 16), 'hex') || '"' into v_tag
    from noted.workspaces as workspace where workspace.id = caller.workspace_id;
  if v_tag = any (p_known_tags) then
    return auth.reply(caller, 'not_modified', to_json(v_tag)::text);
  end if;

  v_found := sync.find_notes(
    caller.workspace_id, p_folder_id, p_note_type, p_path_prefix, p_updated_since, p_updated_before, p_after, 0, p_limit);
  v_count := sync.count_fitting(caller.workspace_id, v_found.ids, p_limit, case when v_with_content then p_bytes_max end);
  select string_agg((
      select json_object_agg(field.key, field.value)::text from json_each(sync.note_json(note, v_with_content)) as field
        where field.key = any (p_fields)
    ), ', ' order by wanted.place) into v_notes
    from unnest(v_found.ids[:v_count]) with ordinality as wanted (id, place)
    join noted.notes as note on note.workspace_id = caller.workspace_id and note.id = wanted.id;
  return auth.reply(caller, 'listed',
    json_build_object('total', v_found.total, 'has_more', cardinality(v_found.ids) > v_count, 'last_id', v_found.ids[v_count], 'tag', v_tag)::text,
    '[' || coalesce(v_notes, '') || ']');
end $$;
