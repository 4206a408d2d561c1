-- The log of what stood against what.

-- Keeps a text of a conflict over a note, once. A null text is none.
create function sync.keep_conflict_text(p_workspace_id uuid, p_note_id uuid, p_content text, p_content_sha256 text) returns void
language plpgsql volatile as $$
begin
  if p_content is null then
    return;
  end if;
  insert into noted.conflict_texts (workspace_id, note_id, content_sha256, content)
    values (p_workspace_id, p_note_id, p_content_sha256, p_content)
    on conflict do nothing;
  if found then
    perform sync.count_bytes(p_workspace_id, octet_length(p_content));
  end if;
end $$;

-- A text of a conflict, by its hash.
create function sync.conflict_text(p_conflict noted.sync_conflicts, p_content_sha256 text) returns text
language sql stable
begin atomic
  select text.content from noted.conflict_texts as text
    where text.workspace_id = (p_conflict).workspace_id and text.note_id = (p_conflict).note_id and text.content_sha256 = p_content_sha256;
end;

-- Notes down that two versions were made side by side, with both texts, and answers the conflict's id. The same conflict, met again by a
-- retry, is the same entry. Null content stands for a deletion.
create function sync.log_conflict(
  caller auth.caller, p_note noted.notes, p_kind text, p_origin text, p_vector jsonb, p_content text, p_content_sha256 text, p_base_version bigint
) returns uuid
language plpgsql volatile as $$
declare
  v_conflict_id uuid;
begin
  select conflict.id into v_conflict_id from noted.sync_conflicts as conflict
    where conflict.workspace_id = caller.workspace_id and conflict.note_id = p_note.id and conflict.resolved_at is null
      and conflict.kind = p_kind and conflict.origin = p_origin and conflict.noted_version = p_note.version
      and conflict.ide_content_sha256 is not distinct from p_content_sha256
    limit 1;
  if found then
    return v_conflict_id;
  end if;
  v_conflict_id := noted.new_id();
  perform sync.keep_conflict_text(caller.workspace_id, p_note.id, p_content, p_content_sha256);
  perform sync.keep_conflict_text(caller.workspace_id, p_note.id, p_note.content, p_note.content_sha256);
  insert into noted.sync_conflict_events (
      workspace_id, id, conflict_id, note_id, user_id, event, origin, kind, ide_vector, ide_content_sha256,
      noted_version, noted_vector, noted_content_sha256, base_version)
    values (
      caller.workspace_id, v_conflict_id, v_conflict_id, p_note.id, caller.user_id, 'detected', p_origin, p_kind, p_vector, p_content_sha256,
      p_note.version, p_note.version_vector, p_note.content_sha256, p_base_version);
  return v_conflict_id;
end $$;

-- Notes down a decision about a conflict.
create function sync.decide_conflict(
  caller auth.caller, p_conflict_id uuid, p_note_id uuid, p_origin text, p_strategy text, p_decided_by text, p_merged_content text,
  p_merged_content_sha256 text
) returns void
language plpgsql volatile as $$
begin
  perform sync.keep_conflict_text(caller.workspace_id, p_note_id, p_merged_content, p_merged_content_sha256);
  insert into noted.sync_conflict_events (workspace_id, conflict_id, note_id, user_id, event, origin, strategy, decided_by, merged_content_sha256)
    values (
      caller.workspace_id, p_conflict_id, p_note_id, caller.user_id, 'decided', p_origin, p_strategy, p_decided_by,
      case when p_merged_content is not null then p_merged_content_sha256 end);
end $$;

-- Settles the writer's open conflicts on a note that what it writes now has seen both sides of: whoever has seen both and writes has decided.
create function sync.settle_conflicts(
  caller auth.caller, p_note_id uuid, p_origin text, p_seen jsonb, p_content text, p_content_sha256 text, p_decided_by text
) returns void
language plpgsql volatile as $$
declare
  v_conflict noted.sync_conflicts;
  v_strategy text;
begin
  for v_conflict in
    select conflict.* from noted.sync_conflicts as conflict
      where conflict.workspace_id = caller.workspace_id and conflict.note_id = p_note_id and conflict.origin = p_origin
        and conflict.resolved_at is null and sync.has_seen(p_seen, conflict.noted_vector)
  loop
    v_strategy := case
      when p_content_sha256 is not distinct from v_conflict.ide_content_sha256 then 'keep_ide'
      when p_content_sha256 = v_conflict.noted_content_sha256 then 'keep_noted'
      else 'manual_merge'
    end;
    perform sync.decide_conflict(caller, v_conflict.id, p_note_id, p_origin, v_strategy, p_decided_by,
      case when v_strategy = 'manual_merge' then p_content end, p_content_sha256);
  end loop;
end $$;

-- A conflict as it stands, archived or not.
create function sync.conflict_of(p_workspace_id uuid, p_conflict_id uuid) returns noted.sync_conflicts
language plpgsql stable as $$
declare
  v_conflict noted.sync_conflicts;
begin
  select conflict.* into v_conflict from noted.sync_conflicts as conflict
    where conflict.workspace_id = p_workspace_id and conflict.id = p_conflict_id;
  if not found then
    select detected.workspace_id, detected.conflict_id, detected.note_id, detected.user_id, detected.kind, detected.origin,
        detected.ide_vector, detected.ide_content_sha256, detected.noted_version, detected.noted_vector,
        detected.noted_content_sha256, detected.base_version, detected.at,
        decided.strategy, decided.merged_content_sha256, decided.decided_by, case when decided.strategy <> 'deferred' then decided.at end
      into v_conflict
      from noted.sync_conflict_archive as detected
      left join noted.sync_conflict_archive as decided
        on decided.workspace_id = detected.workspace_id and decided.conflict_id = detected.conflict_id and decided.event = 'decided'
      where detected.workspace_id = p_workspace_id and detected.conflict_id = p_conflict_id and detected.event = 'detected'
      order by decided.at desc limit 1;
  end if;
  return v_conflict;
end $$;

-- A conflict as clients see it, with its texts or without.
create function sync.conflict_json(p_conflict noted.sync_conflicts, p_with_content boolean) returns json
language sql stable
return json_build_object(
  'id', (p_conflict).id,
  'note_id', (p_conflict).note_id,
  'title', (select note.title from noted.notes as note
    where note.workspace_id = (p_conflict).workspace_id and note.id = (p_conflict).note_id),
  'ide_file_path', (select note.ide_file_path from noted.notes as note
    where note.workspace_id = (p_conflict).workspace_id and note.id = (p_conflict).note_id),
  'kind', (p_conflict).kind,
  'origin', (p_conflict).origin,
  'ide_vector', (p_conflict).ide_vector,
  'ide_content_sha256', (p_conflict).ide_content_sha256,
  'noted_version', (p_conflict).noted_version,
  'noted_vector', (p_conflict).noted_vector,
  'noted_content_sha256', (p_conflict).noted_content_sha256,
  'detected_at', sync.instant((p_conflict).detected_at),
  'resolution_strategy', (p_conflict).resolution_strategy,
  'resolved_at', sync.instant((p_conflict).resolved_at),
  'resolved_by', (p_conflict).resolved_by,
  'ide_version_content', case when p_with_content then sync.conflict_text(p_conflict, (p_conflict).ide_content_sha256) end,
  'noted_version_content', case when p_with_content then sync.conflict_text(p_conflict, (p_conflict).noted_content_sha256) end,
  'merged_content', case when p_with_content then sync.conflict_text(p_conflict, (p_conflict).merged_content_sha256) end
);

grant execute on function sync.keep_conflict_text, sync.conflict_text, sync.log_conflict, sync.decide_conflict, sync.settle_conflicts, sync.conflict_of, sync.conflict_json to noted_api;
