-- Replaces a note's text, and with it whatever else the file says. One call is one transaction.
--
-- Outcomes: updated (body: the note without its text), unchanged (the same; nothing was new), replayed, key_reused, not_found,
-- version_mismatch (body: the version that the note has), conflict (body: the version that the sender has not seen), path_taken,
-- no_folder; unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- A null title, path or file metadata keeps what is there; so does a false `p_sets_folder` for the folder, which may be set to null.
create or replace function api.ide_sync_update(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text,
  p_note_id uuid, p_version_vector jsonb, p_if_version bigint, p_if_updated_at timestamptz,
  p_content text, p_content_sha256 text, p_ide_last_modified timestamptz,
  p_title text, p_path text, p_sets_folder boolean, p_folder_id uuid, p_file_metadata jsonb
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_endpoint constant text := 'PUT /v1/ide-sync/update/' || p_note_id;
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:write', 'ide:sync']);
  v_reply api.reply;
  v_seq bigint;
  v_old noted.notes;
  v_new noted.notes;
  v_taken noted.notes;
  v_has_seen boolean;
  v_says_same boolean;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_seq := sync.lock_workspace(caller.workspace_id) + 1;

  v_reply := sync.replay(caller, p_idempotency_key, v_endpoint, p_request_hash);
  if v_reply.outcome is not null then
    return v_reply;
  end if;

  select note.* into v_old from noted.notes as note
    where note.workspace_id = caller.workspace_id and note.id = p_note_id and note.deleted_at is null;
  if not found then
    return auth.reply(caller, 'not_found');
  elsif p_if_version <> v_old.version then
    return auth.reply(caller, 'version_mismatch', json_build_object('version', v_old.version, 'version_vector', v_old.version_vector)::text);
  end if;

  v_new := v_old;
  v_new.title := coalesce(p_title, v_old.title);
  v_new.ide_file_path := coalesce(p_path, v_old.ide_file_path);
  v_new.file_metadata := coalesce(p_file_metadata, v_old.file_metadata);
  v_new.folder_id := case when p_sets_folder then p_folder_id else v_old.folder_id end;

  v_has_seen := sync.has_seen(p_version_vector, v_old.version_vector);
  v_says_same := (p_content_sha256, v_new.title, v_new.ide_file_path, v_new.folder_id)
    is not distinct from (v_old.content_sha256, v_old.title, v_old.ide_file_path, v_old.folder_id);
  -- Two copies that say the same are no conflict, whatever they have seen. Facts about a file differ between machines; they are news only
  -- from someone who has seen the rest.
  if v_says_same and (not v_has_seen or v_new.file_metadata = v_old.file_metadata) then
    v_reply := auth.reply(caller, 'unchanged', sync.note_json(v_old, false)::text);
    perform sync.remember(caller, p_idempotency_key, v_endpoint, p_request_hash, 200, v_reply.body);
    return v_reply;
  end if;
  -- Times are compared only if the sender asked for it, and never to find out who was later.
  if not v_has_seen or p_if_updated_at <> v_old.updated_at then
    return auth.reply(caller, 'conflict', sync.noted_version(v_old)::text);
  end if;

  if v_new.ide_file_path is distinct from v_old.ide_file_path then
    select note.* into v_taken from noted.notes as note
      where note.workspace_id = caller.workspace_id and note.ide_file_path = v_new.ide_file_path and note.deleted_at is null;
    if found then
      return auth.reply(caller, 'path_taken',
        json_build_object('identical', v_taken.content_sha256 = p_content_sha256, 'noted_version', sync.noted_version(v_taken))::text);
    end if;
  end if;
  if v_new.folder_id is distinct from v_old.folder_id then
    update noted.folders as folder set live_notes = folder.live_notes + 1
      where folder.workspace_id = caller.workspace_id and folder.id = v_new.folder_id;
    if v_new.folder_id is not null and not found then
      return auth.reply(caller, 'no_folder');
    end if;
    update noted.folders as folder set live_notes = folder.live_notes - 1
      where folder.workspace_id = caller.workspace_id and folder.id = v_old.folder_id;
  end if;

  -- A new title or path alone replaces no text.
  if p_content_sha256 <> v_old.content_sha256 then
    perform sync.keep_revision(v_old);
  end if;
  update noted.notes as note
    set title = v_new.title, content = p_content, content_sha256 = p_content_sha256, folder_id = v_new.folder_id,
        ide_file_path = v_new.ide_file_path, file_metadata = v_new.file_metadata, ide_last_modified = p_ide_last_modified,
        last_ide_sync_at = now(), updated_at = now(), version = note.version + 1, seq = v_seq,
        -- The sender has seen all that is stored, so its vector is the larger one in every counter.
        version_vector = sync.counted(p_version_vector, p_origin), last_sync_origin_id = p_origin
    where note.workspace_id = caller.workspace_id and note.id = p_note_id
    returning note.* into v_new;
  update noted.workspaces as workspace set seq = v_seq, last_sync_at = now() where workspace.id = caller.workspace_id;

  v_reply := auth.reply(caller, 'updated', sync.note_json(v_new, false)::text);
  perform sync.remember(caller, p_idempotency_key, v_endpoint, p_request_hash, 200, v_reply.body);
  return v_reply;
end $$;
