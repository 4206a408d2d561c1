-- What every route writes notes by: create, edit, delete.

-- Makes a note as `p_draft` has it; its id, counters, vector and times are given here. The reply holds the note without its text.
create function sync.create_note(caller auth.caller, p_seq bigint, p_draft noted.notes) returns sync.written
language plpgsql volatile as $$
declare
  v_refusal api.reply;
  v_note noted.notes;
begin
  if caller.is_full then
    return sync.refused(auth.reply(caller, 'storage_full'));
  end if;
  v_refusal := sync.path_taken(caller, null, p_draft.ide_file_path, p_draft.last_sync_origin_id, p_draft.content, p_draft.content_sha256);
  if v_refusal.outcome is not null then
    return sync.refused(v_refusal);
  elsif not sync.move_between_folders(caller.workspace_id, null, p_draft.folder_id) then
    return sync.refused(auth.reply(caller, 'no_folder'));
  end if;
  insert into noted.notes (
      workspace_id, folder_id, created_by_user_id, title, content, content_sha256, note_type, source_metadata, file_metadata,
      ide_file_path, ide_last_modified, last_ide_sync_at, version_vector, seq, last_sync_origin_id, author_key_id, author_kind, author_model)
    values (
      caller.workspace_id, p_draft.folder_id, caller.user_id, p_draft.title, p_draft.content, p_draft.content_sha256, p_draft.note_type,
      p_draft.source_metadata, p_draft.file_metadata, p_draft.ide_file_path, p_draft.ide_last_modified,
      case when p_draft.ide_last_modified is not null then now() end,
      sync.counted('{}', sync.counter_name(caller, p_draft.last_sync_origin_id)), p_seq, p_draft.last_sync_origin_id, caller.key_id, caller.kind, caller.model)
    returning * into v_note;
  return row(auth.reply(caller, 'created', sync.note_json(v_note, false)::text), 1, 1, v_note.synced_from_ide::integer,
    octet_length(v_note.content))::sync.written;
end $$;

-- Changes a note. The writer must have seen the version that it replaces: by its vector, by the version it names, or because the edit is made
-- of what is stored. A vector that claims more than ever was is refused before anything else is compared. Outcomes: updated and unchanged (body: the note, with its text where the writer does not have it), not_found, gone,
-- version_mismatch, unknown_version (body: what is stored), conflict, path_taken, no_folder, storage_full.
create function sync.edit_note(caller auth.caller, p_seq bigint, p_note_id uuid, p_edit sync.edit) returns sync.written
language plpgsql volatile as $$
declare
  v_refusal api.reply;
  v_old noted.notes;
  v_new noted.notes;
  v_seen jsonb;
  v_has_seen boolean;
  v_was_live boolean;
  v_wants_content constant boolean := coalesce(p_edit.wants_content, false) and auth.may_read(caller);
  v_bytes bigint := 0;
begin
  select note.* into v_old from noted.notes as note where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  if not found then
    return sync.refused(auth.reply(caller, 'not_found'));
  elsif caller.is_full then
    return sync.refused(auth.reply(caller, 'storage_full'));
  elsif not sync.has_seen(v_old.version_vector, p_edit.version_vector) then
    return sync.refused(sync.unknown_version(caller, v_old));
  end if;
  v_was_live := v_old.deleted_at is null;
  v_seen := coalesce(p_edit.version_vector, v_old.version_vector);
  v_has_seen := sync.has_seen(v_seen, v_old.version_vector);
  if not v_was_live and not (p_edit.restores and v_has_seen) then
    return sync.refused(case
      when p_edit.version_vector is not null then sync.conflict(caller, v_old, 'update', p_edit)
      else auth.reply(caller, 'gone', sync.gone_json(v_old, null)::text) end);
  elsif p_edit.if_version <> v_old.version then
    return sync.refused(auth.reply(caller, 'version_mismatch',
      json_build_object('version', v_old.version, 'version_vector', v_old.version_vector)::text));
  end if;

  v_new := v_old;
  v_new.title := coalesce(p_edit.title, v_old.title);
  v_new.content := coalesce(p_edit.content, v_old.content);
  v_new.content_sha256 := coalesce(p_edit.content_sha256, v_old.content_sha256);
  v_new.ide_file_path := case when p_edit.sets_path then p_edit.path else v_old.ide_file_path end;
  v_new.folder_id := case when p_edit.sets_folder then p_edit.folder_id else v_old.folder_id end;
  v_new.source_metadata := coalesce(p_edit.source_metadata, v_old.source_metadata);
  v_new.file_metadata := coalesce(p_edit.file_metadata, v_old.file_metadata);

  -- Two copies that say the same are no conflict, whatever they have seen. Facts about a file differ between machines; they are news only
  -- from someone who has seen the rest.
  if v_was_live
    and (v_new.content_sha256, v_new.title, v_new.ide_file_path, v_new.folder_id)
      is not distinct from (v_old.content_sha256, v_old.title, v_old.ide_file_path, v_old.folder_id)
    and (not v_has_seen or (v_new.file_metadata, v_new.source_metadata) = (v_old.file_metadata, v_old.source_metadata))
  then
    perform sync.settle_conflicts(caller, p_note_id, p_edit.origin, v_seen, v_new.content, v_new.content_sha256, 'user');
    return sync.refused(auth.reply(caller, 'unchanged', sync.note_json(v_old, v_wants_content)::text));
  end if;
  -- Times are compared only if the writer asked for it, and never to find out who was later.
  if not v_has_seen or p_edit.if_updated_at <> v_old.updated_at then
    return sync.refused(sync.conflict(caller, v_old, 'update', p_edit));
  end if;

  if not v_was_live or v_new.ide_file_path is distinct from v_old.ide_file_path then
    v_refusal := sync.path_taken(caller, p_note_id, v_new.ide_file_path, null, null, v_new.content_sha256);
    if v_refusal.outcome is not null then
      return sync.refused(v_refusal);
    end if;
  end if;
  if not v_was_live or v_new.folder_id is distinct from v_old.folder_id then
    if not sync.move_between_folders(caller.workspace_id, case when v_was_live then v_old.folder_id end, v_new.folder_id) then
      return sync.refused(auth.reply(caller, 'no_folder'));
    end if;
  end if;

  -- A new title or path alone replaces no text, and a tombstone's text was kept when it was deleted.
  if v_was_live and v_new.content_sha256 <> v_old.content_sha256 then
    v_bytes := sync.keep_revision(v_old) - sync.prune_revisions(caller.workspace_id, p_note_id);
  end if;
  -- Who changes the title or the path alone has not written the text.
  if v_new.content_sha256 <> v_old.content_sha256 then
    v_new.author_key_id := caller.key_id;
    v_new.author_kind := caller.kind;
    v_new.author_model := caller.model;
  end if;
  update noted.notes as note
    set title = v_new.title, content = v_new.content, content_sha256 = v_new.content_sha256, folder_id = v_new.folder_id,
        ide_file_path = v_new.ide_file_path, file_metadata = v_new.file_metadata, source_metadata = v_new.source_metadata,
        ide_last_modified = coalesce(p_edit.ide_last_modified, note.ide_last_modified),
        last_ide_sync_at = case when p_edit.ide_last_modified is not null then now() else note.last_ide_sync_at end,
        updated_at = now(), version = note.version + 1, seq = p_seq, deleted_at = null, deleted_by = null,
        version_vector = sync.counted(note.version_vector, sync.counter_name(caller, p_edit.origin)), last_sync_origin_id = p_edit.origin,
        author_key_id = v_new.author_key_id, author_kind = v_new.author_kind, author_model = v_new.author_model
    where note.workspace_id = caller.workspace_id and note.id = p_note_id
    returning note.* into v_new;
  perform sync.settle_conflicts(
    caller, p_note_id, p_edit.origin, v_seen, v_new.content, v_new.content_sha256, coalesce(p_edit.decided_by, 'user'));
  return row(
    auth.reply(caller, 'updated', sync.note_json(v_new, v_wants_content)::text),
    1, (not v_was_live)::integer, case when v_was_live then 0 else v_new.synced_from_ide::integer end,
    v_bytes + octet_length(v_new.content) - octet_length(v_old.content))::sync.written;
end $$;

-- Turns a note into a tombstone. Outcomes: deleted and already_deleted (body: when), not_found, version_mismatch, unknown_version, conflict.
create function sync.delete_note(
  caller auth.caller, p_seq bigint, p_note_id uuid, p_origin text, p_version_vector jsonb, p_if_version bigint
) returns sync.written
language plpgsql volatile as $$
declare
  v_old noted.notes;
  v_edit sync.edit;
  v_bytes bigint;
begin
  select note.* into v_old from noted.notes as note where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  if not found then
    return sync.refused(auth.reply(caller, 'not_found'));
  elsif not sync.has_seen(v_old.version_vector, p_version_vector) then
    return sync.refused(sync.unknown_version(caller, v_old));
  elsif v_old.deleted_at is not null then
    return sync.refused(auth.reply(caller, 'already_deleted', json_build_object('deleted_at', sync.instant(v_old.deleted_at))::text));
  elsif p_if_version <> v_old.version then
    return sync.refused(auth.reply(caller, 'version_mismatch',
      json_build_object('version', v_old.version, 'version_vector', v_old.version_vector)::text));
  elsif p_version_vector is not null and not sync.has_seen(p_version_vector, v_old.version_vector) then
    v_edit.origin := p_origin;
    v_edit.version_vector := p_version_vector;
    return sync.refused(sync.conflict(caller, v_old, 'delete', v_edit));
  end if;

  v_bytes := sync.keep_revision(v_old) - sync.prune_revisions(caller.workspace_id, p_note_id);
  update noted.notes as note
    set deleted_at = now(), deleted_by = p_origin, updated_at = now(), version = note.version + 1, seq = p_seq,
        version_vector = sync.counted(note.version_vector, sync.counter_name(caller, p_origin)), last_sync_origin_id = p_origin
    where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  perform sync.move_between_folders(caller.workspace_id, v_old.folder_id, null);
  perform sync.settle_conflicts(caller, p_note_id, p_origin, coalesce(p_version_vector, v_old.version_vector), null, null, 'user');
  return row(
    auth.reply(caller, 'deleted', json_build_object('deleted_at', sync.instant(now()))::text),
    1, -1, -v_old.synced_from_ide::integer, v_bytes)::sync.written;
end $$;

-- The refusal of a write that claims to have seen what never was: the vector was made up, or the database was set back since. Says what is stored.
create function sync.unknown_version(caller auth.caller, p_note noted.notes) returns api.reply
language sql stable
return auth.reply(caller, 'unknown_version', json_build_object(
  'version', (p_note).version, 'version_vector', (p_note).version_vector)::text);

-- The refusal of a write that has not seen the version it would replace; both sides are noted down. Texts are given only to those who may read.
create function sync.conflict(caller auth.caller, p_note noted.notes, p_kind text, p_edit sync.edit) returns api.reply
language plpgsql volatile as $$
declare
  v_base noted.note_revisions := sync.base_of(p_note, p_edit.version_vector);
  v_conflict_id uuid := sync.log_conflict(
    caller, p_note, p_kind, p_edit.origin, p_edit.version_vector, p_edit.content, p_edit.content_sha256, v_base.version_number);
begin
  if p_note.deleted_at is not null then
    return auth.reply(caller, 'gone', sync.gone_json(p_note, v_conflict_id)::text);
  end if;
  return auth.reply(caller, 'conflict', json_build_object(
    'noted_version', sync.noted_version(caller, p_note),
    'conflict_id', v_conflict_id,
    'base', case when v_base.version_number is not null and p_kind = 'update' and auth.may_read(caller) then json_build_object(
      'version', v_base.version_number, 'version_vector', v_base.version_vector, 'content', v_base.content,
      'content_sha256', v_base.content_sha256) end)::text);
end $$;

-- The refusal of a path that another live note has; null when it is free. Asked under the workspace's lock, so that free stays free. With a
-- text, two notes were made side by side at one path, which is noted down unless they say the same.
create function sync.path_taken(
  caller auth.caller, p_note_id uuid, p_path text, p_origin text, p_content text, p_content_sha256 text
) returns api.reply
language plpgsql volatile as $$
declare
  v_taken noted.notes;
  v_conflict_id uuid;
begin
  select note.* into v_taken from noted.notes as note
    where note.workspace_id = caller.workspace_id and note.ide_file_path = p_path and note.deleted_at is null
      and note.id is distinct from p_note_id;
  if not found then
    return null;
  end if;
  if p_content is not null and v_taken.content_sha256 <> p_content_sha256 then
    v_conflict_id := sync.log_conflict(caller, v_taken, 'create', p_origin, '{}', p_content, p_content_sha256, null);
  end if;
  return auth.reply(caller, 'path_taken', json_build_object(
    'identical', v_taken.content_sha256 = p_content_sha256, 'noted_version', sync.noted_version(caller, v_taken), 'conflict_id', v_conflict_id)::text);
end $$;

-- A path that no live note has, made of another one by a mark before its ending, such as `a (Noted).md`, then `a (Noted) 2.md`. Of a name that would
-- get too long so much is cut off as must be. Null where even that is none: a note need not have a path.
create function sync.free_path_beside(p_workspace_id uuid, p_path text, p_mark text) returns text
language plpgsql stable as $$
declare
  v_folder constant text := substring(p_path from '^(.*/)[^/]*$');
  v_name constant text := substring(p_path from '[^/]*$');
  -- A name that begins with its only dot has no ending.
  v_ending constant text := coalesce(substring(v_name from '^.+(\.[^.]*)$'), '');
  v_stem text := left(v_name, char_length(v_name) - char_length(v_ending));
  v_mark text;
  v_path text;
begin
  for v_number in 1..1000 loop
    v_mark := p_mark || case when v_number > 1 then ' ' || v_number else '' end;
    while v_stem <> '' and (octet_length(v_stem || v_mark || v_ending) > 255 or octet_length(concat(v_folder, v_stem, v_mark, v_ending)) > 1024) loop
      v_stem := left(v_stem, -1);
    end loop;
    v_path := concat(v_folder, v_stem, v_mark, v_ending);
    exit when not noted.is_path(v_path);
    perform from noted.notes as note
      where note.workspace_id = p_workspace_id and note.ide_file_path = v_path and note.deleted_at is null;
    if not found then
      return v_path;
    end if;
  end loop;
  return null;
end $$;

-- Counts a note in and out of folders, and with that shows that the one it goes into is there.
create function sync.move_between_folders(p_workspace_id uuid, p_from uuid, p_to uuid) returns boolean
language plpgsql volatile as $$
begin
  if p_to is not null then
    update noted.folders as folder set live_notes = folder.live_notes + 1 where folder.workspace_id = p_workspace_id and folder.id = p_to;
    if not found then
      return false;
    end if;
  end if;
  update noted.folders as folder set live_notes = folder.live_notes - 1 where folder.workspace_id = p_workspace_id and folder.id = p_from;
  return true;
end $$;

grant execute on function sync.create_note, sync.edit_note, sync.delete_note, sync.unknown_version, sync.conflict, sync.path_taken, sync.free_path_beside,
  sync.move_between_folders to noted_api;
