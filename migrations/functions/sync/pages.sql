-- Which notes a page shows, and how many of them fit.

-- Finds live notes in the order of their ids. A null filter lets all pass.
create function sync.find_notes(
  p_workspace_id uuid, p_filter search.filter, p_after uuid, p_offset integer, p_limit integer
) returns sync.found_notes
language plpgsql stable as $$
declare
  v_after constant uuid := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
  v_folder_id constant uuid := p_filter.folder_id;
  v_found sync.found_notes;
begin
  p_filter.folder_id := null;
  if not (p_filter is null) then
    -- How many match is a number that no counter holds, so they are all found, by the index of whichever condition is the narrowest.
    p_filter.folder_id := v_folder_id;
    with matching as materialized (
      select note.id from noted.notes as note
        where note.workspace_id = p_workspace_id and note.deleted_at is null and search.passes(note, p_filter)
    )
    select count(*), array(select matching.id from matching where matching.id > v_after order by matching.id offset p_offset limit p_limit + 1)
      into v_found.total, v_found.ids from matching;
  elsif v_folder_id is not null then
    v_found.ids := array(select note.id from noted.notes as note
      where note.workspace_id = p_workspace_id and note.deleted_at is null and note.folder_id = v_folder_id and note.id > v_after
      order by note.id offset p_offset limit p_limit + 1);
    v_found.total := coalesce((select folder.live_notes from noted.folders as folder
      where folder.workspace_id = p_workspace_id and folder.id = v_folder_id), 0);
  else
    v_found.ids := array(select note.id from noted.notes as note
      where note.workspace_id = p_workspace_id and note.deleted_at is null and note.id > v_after
      order by note.id offset p_offset limit p_limit + 1);
    select workspace.live_notes into v_found.total from noted.workspaces as workspace where workspace.id = p_workspace_id;
  end if;
  return v_found;
end $$;

-- How many of the first notes can fit a page by the size of their texts, which is known without reading them: what does not fit is not read.
create function sync.count_fitting(p_workspace_id uuid, p_ids uuid[], p_bytes_max integer) returns bigint
language sql stable
begin atomic
  select count(*) from (
    select wanted.place, sum(octet_length(note.content)) over (order by wanted.place) as bytes
      from unnest(p_ids) with ordinality as wanted (id, place)
      join noted.notes as note on note.workspace_id = p_workspace_id and note.id = wanted.id
  ) as page
  where page.place = 1 or page.bytes <= p_bytes_max;
end;

-- A page of live notes for a caller who has entered, or why not. Outcomes: listed (body: total, has_more, the last id and the page's entity tag; bulk:
-- the notes as a JSON array), not_modified (body: the tag, which is one of `p_known_tags`).
--
-- Notes have the named fields, or all but the text, or all. The tag changes with every change of the workspace and with `p_query`.
create function sync.list_notes(
  caller auth.caller, p_filter text, p_after uuid, p_offset integer, p_limit integer, p_bytes_max integer, p_with_content boolean,
  p_fields text[], p_query text, p_known_tags text[]
) returns api.reply
language plpgsql volatile as $$
declare
  v_tag text;
  v_filter search.filter;
  v_found sync.found_notes;
  v_fits bigint;
  v_page record;
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

  if p_filter is not null then
    v_filter := jsonb_populate_record(null::search.filter, p_filter::jsonb);
  end if;
  v_found := sync.find_notes(caller.workspace_id, v_filter, p_after, p_offset, p_limit);
  v_fits := case when p_with_content then sync.count_fitting(caller.workspace_id, v_found.ids, p_bytes_max) else p_limit end;
  select page.items, page.shown into v_page from sync.page(array(
    select case when p_fields is null then sync.note_item(note, p_with_content) else sync.some_fields(note, p_with_content, p_fields) end
      from unnest(v_found.ids[:v_fits]) with ordinality as wanted (id, place)
      join noted.notes as note on note.workspace_id = caller.workspace_id and note.id = wanted.id
      order by wanted.place), p_limit, p_bytes_max) as page;
  return auth.reply(caller, 'listed',
    json_build_object(
      'total', v_found.total, 'has_more', cardinality(v_found.ids) > v_page.shown, 'last_id', v_found.ids[v_page.shown], 'tag', v_tag)::text,
    v_page.items);
end $$;

-- What a page gives out of some items, which are JSON text, in their order: at most `p_limit` of them, and at most `p_bytes_max` bytes, but always
-- one. What is counted is what is sent: a note's metadata and vector weigh as much as its text.
create function sync.page(p_items text[], p_limit integer, p_bytes_max integer, out items text, out shown bigint)
language sql stable
begin atomic
  select '[' || coalesce(string_agg(sized.item, ', ' order by sized.place), '') || ']', count(*)
    from (
      select given.item, given.place, sum(octet_length(given.item) + 2) over (order by given.place) as bytes
        from unnest(p_items) with ordinality as given (item, place)
    ) as sized
    where sized.place = 1 or (sized.place <= p_limit and sized.bytes <= p_bytes_max);
end;

-- The answer with what was read, named by an entity tag that is made of it, or that the client has it already. `p_body` is an object to which the tag
-- is added.
create function sync.tagged(caller auth.caller, p_body jsonb, p_bulk text, p_known_tags text[]) returns api.reply
language plpgsql stable as $$
declare
  v_tag constant text := '"' || encode(substr(sha256(convert_to(p_body::text || p_bulk, 'UTF8')), 1, 16), 'hex') || '"';
begin
  if v_tag = any (p_known_tags) then
    return auth.reply(caller, 'not_modified', to_json(v_tag)::text);
  end if;
  return auth.reply(caller, 'listed', (p_body || jsonb_build_object('tag', v_tag))::text, p_bulk);
end $$;

grant execute on function sync.find_notes, sync.count_fitting, sync.list_notes, sync.page, sync.tagged to noted_api;
