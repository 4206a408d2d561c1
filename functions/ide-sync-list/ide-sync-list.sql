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
  v_after constant uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
  v_ids uuid[];
  v_total bigint;
  v_notes json;
  v_count bigint;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;

  -- Which notes: one more than fits, to know whether more follow. Three conditions, three indexes, so three statements.
  if p_modified_since is not null then
    -- How many changed since is the one number that no counter holds, so they are all found, and by their own index.
    with changed as materialized (
      select note.id from noted.notes as note
        where note.workspace_id = caller.workspace_id and note.deleted_at is null and note.updated_at >= p_modified_since
          and (p_folder_id is null or note.folder_id = p_folder_id)
    )
    select count(*), array(select changed.id from changed where changed.id > v_after order by changed.id offset p_offset limit p_limit + 1)
      into v_total, v_ids from changed;
  elsif p_folder_id is not null then
    v_ids := array(select note.id from noted.notes as note
      where note.workspace_id = caller.workspace_id and note.deleted_at is null and note.folder_id = p_folder_id and note.id > v_after
      order by note.id offset p_offset limit p_limit + 1);
    select folder.live_notes into v_total from noted.folders as folder
      where folder.workspace_id = caller.workspace_id and folder.id = p_folder_id;
  else
    v_ids := array(select note.id from noted.notes as note
      where note.workspace_id = caller.workspace_id and note.deleted_at is null and note.id > v_after
      order by note.id offset p_offset limit p_limit + 1);
    select workspace.live_notes into v_total from noted.workspaces as workspace where workspace.id = caller.workspace_id;
  end if;

  -- How many of them fit.
  v_count := least(cardinality(v_ids), p_limit);
  if p_with_content then
    select count(*) into v_count from (
      select wanted.place, sum(octet_length(note.content)) over (order by wanted.place) as bytes
        from unnest(v_ids[:p_limit]) with ordinality as wanted (id, place)
        join noted.notes as note on note.workspace_id = caller.workspace_id and note.id = wanted.id
    ) as page
    where page.place = 1 or page.bytes <= p_bytes_max;
  end if;

  -- What they say.
  select json_agg(sync.note_json(note, p_with_content) order by wanted.place) into v_notes
    from unnest(v_ids[:v_count]) with ordinality as wanted (id, place)
    join noted.notes as note on note.workspace_id = caller.workspace_id and note.id = wanted.id;

  return auth.reply(caller, 'listed',
    json_build_object('total', coalesce(v_total, 0), 'has_more', cardinality(v_ids) > v_count, 'last_id', v_ids[v_count])::text,
    coalesce(v_notes, '[]')::text);
end $$;
