-- A page of live notes in the order of their ids, which is the order of creation. One call is one transaction.
--
-- Outcomes: listed (body: total, has_more and the last id; bulk: the notes as a JSON array); unauthorized, wrong_workspace,
-- missing_scope, rate_limited.
--
-- Null conditions do not apply. The page ends early rather than hold more than `p_bytes_max` of text, but it always holds one note.
create or replace function api.ide_sync_list(
  p_key_hash bytea, p_workspace_id uuid, p_folder_id uuid, p_modified_since timestamptz, p_after uuid, p_offset integer, p_limit integer,
  p_bytes_max integer, p_with_content boolean
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read', 'ide:sync']);
  v_found sync.found_notes;
  v_count bigint;
  v_notes json;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_found := sync.find_notes(caller.workspace_id, p_folder_id, null, null, p_modified_since, null, p_after, p_offset, p_limit);
  v_count := sync.count_fitting(caller.workspace_id, v_found.ids, p_limit, case when p_with_content then p_bytes_max end);
  select json_agg(sync.note_json(note, p_with_content) order by wanted.place) into v_notes
    from unnest(v_found.ids[:v_count]) with ordinality as wanted (id, place)
    join noted.notes as note on note.workspace_id = caller.workspace_id and note.id = wanted.id;
  return auth.reply(caller, 'listed',
    json_build_object('total', v_found.total, 'has_more', cardinality(v_found.ids) > v_count, 'last_id', v_found.ids[v_count])::text,
    coalesce(v_notes, '[]')::text);
end $$;
