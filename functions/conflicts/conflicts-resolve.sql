-- Settles a conflict by one of five strategies. One call is one transaction.
--
-- Outcomes: resolved (body: the conflict and the note, each with its texts, and the second note if there is one), replayed, key_reused,
-- no_conflict, already_resolved, not_found (the note is collected), conflict (body: the version that the sender has not seen), path_taken;
-- unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- The vector must have seen the note as it is: what came after the conflict is not replaced unseen.
create or replace function api.conflicts_resolve(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_conflict_id uuid, p_origin text,
  p_version_vector jsonb, p_strategy text, p_content text, p_content_sha256 text,
  p_analysis jsonb
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:write'], 'POST /v1/conflicts/' || p_conflict_id || '/resolve', p_idempotency_key, p_request_hash, p_origin, p_analysis);
  v_conflict noted.sync_conflicts;
  v_note noted.notes;
  v_edit sync.edit;
  v_draft noted.notes;
  v_written sync.written;
  v_second sync.written;
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  end if;

  v_conflict := sync.conflict_of((v_change.caller).workspace_id, p_conflict_id);
  if v_conflict.id is null then
    return auth.reply(v_change.caller, 'no_conflict');
  elsif v_conflict.resolved_at is not null then
    return auth.reply(v_change.caller, 'already_resolved');
  end if;
  select note.* into v_note from noted.notes as note where note.workspace_id = (v_change.caller).workspace_id and note.id = v_conflict.note_id;
  if not found then
    return auth.reply(v_change.caller, 'not_found');
  elsif not sync.has_seen(v_note.version_vector, p_version_vector) then
    return sync.unknown_version(v_change.caller, v_note);
  elsif not sync.has_seen(p_version_vector, v_note.version_vector) then
    return auth.reply(v_change.caller, 'conflict', json_build_object(
      'noted_version', sync.noted_version(v_change.caller, v_note), 'conflict_id', p_conflict_id, 'base', null)::text);
  end if;

  v_written := sync.refused(auth.reply(v_change.caller, 'unchanged'));
  if p_strategy = 'keep_ide' and v_conflict.kind = 'delete' then
    if not 'notes:delete' = any ((v_change.caller).scopes) then
      return auth.reply(v_change.caller, 'missing_scope', 'notes:delete');
    end if;
    v_written := sync.delete_note(v_change.caller, v_change.seq, v_note.id, v_change.origin, p_version_vector, null);
  elsif p_strategy in ('keep_ide', 'manual_merge', 'create_both') then
    v_edit.origin := v_change.origin;
    v_edit.version_vector := p_version_vector;
    v_edit.restores := true;
    if p_strategy = 'manual_merge' then
      v_edit.content := p_content;
      v_edit.content_sha256 := p_content_sha256;
    else
      v_edit.content := sync.conflict_text(v_conflict, v_conflict.ide_content_sha256);
      v_edit.content_sha256 := v_conflict.ide_content_sha256;
    end if;
    if p_strategy = 'create_both' then
      v_edit.title := left(v_note.title, 194) || ' (IDE)';
    end if;
    v_written := sync.edit_note(v_change.caller, v_change.seq, v_note.id, v_edit);
  end if;
  if (v_written.reply).outcome in ('path_taken', 'no_folder', 'storage_full') then
    return v_written.reply;
  end if;

  if p_strategy = 'create_both' then
    -- The other text lives on beside the first, which keeps the file.
    v_draft := v_note;
    v_draft.title := left(v_note.title, 192) || ' (Noted)';
    v_draft.content := sync.conflict_text(v_conflict, v_conflict.noted_content_sha256);
    v_draft.content_sha256 := v_conflict.noted_content_sha256;
    v_draft.ide_file_path := sync.free_path_beside((v_change.caller).workspace_id, v_note.ide_file_path, ' (Noted)');
    v_draft.last_sync_origin_id := v_change.origin;
    v_second := sync.create_note(v_change.caller, v_change.seq + v_written.changes, v_draft);
    if (v_second.reply).outcome <> 'created' then
      raise exception 'a free path was taken under the lock of its workspace';
    end if;
    perform search.follow((v_change.caller).workspace_id, ((v_second.reply).body::json ->> 'id')::uuid, null);
    v_written := sync.both(v_written, v_second);
  end if;

  -- What was written may have settled it already, under the name that the texts suggest; the decision as it was made comes last.
  perform sync.decide_conflict(v_change.caller, p_conflict_id, v_note.id, v_change.origin, p_strategy, 'user', p_content, p_content_sha256);
  select note.* into v_note from noted.notes as note where note.workspace_id = (v_change.caller).workspace_id and note.id = v_conflict.note_id;
  v_written.reply := auth.reply(v_change.caller, 'resolved', json_build_object(
    'conflict', sync.conflict_json(sync.conflict_of((v_change.caller).workspace_id, p_conflict_id), auth.may_read(v_change.caller)),
    'note', sync.note_json(v_note, auth.may_read(v_change.caller)),
    'second_note', (
      select sync.note_json(note, auth.may_read(v_change.caller)) from noted.notes as note
        where note.workspace_id = (v_change.caller).workspace_id and note.id = ((v_second.reply).body::json ->> 'id')::uuid))::text);
  return sync.end_change(v_change, v_written, v_note.id, true);
end $$;
