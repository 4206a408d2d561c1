-- Creates a note from a file. One call is one transaction.
--
-- Outcomes: created (body: the note without its text), replayed (the same, from an earlier request with this key), key_reused,
-- path_taken (body: the live note that has the path, and whether its text is the same), no_folder; unauthorized, wrong_workspace,
-- missing_scope, rate_limited.
create or replace function api.ide_sync_create(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text,
  p_title text, p_content text, p_content_sha256 text, p_path text, p_ide_last_modified timestamptz,
  p_folder_id uuid, p_note_type text, p_source_metadata jsonb, p_file_metadata jsonb
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_endpoint constant text := 'POST /v1/ide-sync/create';
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:write', 'ide:sync']);
  v_reply api.reply;
  v_seq bigint;
  v_taken noted.notes;
  v_note noted.notes;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_seq := sync.lock_workspace(caller.workspace_id) + 1;

  v_reply := sync.replay(caller, p_idempotency_key, v_endpoint, p_request_hash);
  if v_reply.outcome is not null then
    return v_reply;
  end if;

  -- Alone in the workspace, so what is free here stays free until the end.
  select note.* into v_taken from noted.notes as note
    where note.workspace_id = caller.workspace_id and note.ide_file_path = p_path and note.deleted_at is null;
  if found then
    return auth.reply(caller, 'path_taken',
      json_build_object('identical', v_taken.content_sha256 = p_content_sha256, 'noted_version', sync.noted_version(v_taken))::text);
  end if;
  -- A folder counts its notes, and with that shows that it is there.
  update noted.folders as folder set live_notes = folder.live_notes + 1
    where folder.workspace_id = caller.workspace_id and folder.id = p_folder_id;
  if p_folder_id is not null and not found then
    return auth.reply(caller, 'no_folder');
  end if;

  insert into noted.notes (
      workspace_id, folder_id, created_by_user_id, title, content, content_sha256, note_type, source_metadata, file_metadata,
      ide_file_path, ide_last_modified, last_ide_sync_at, version_vector, seq, last_sync_origin_id)
    values (
      caller.workspace_id, p_folder_id, caller.user_id, p_title, p_content, p_content_sha256, p_note_type, p_source_metadata, p_file_metadata,
      p_path, p_ide_last_modified, now(), sync.counted('{}', p_origin), v_seq, p_origin)
    returning * into v_note;
  update noted.workspaces as workspace
    set seq = v_seq, live_notes = workspace.live_notes + 1, last_sync_at = now(),
        synced_notes = workspace.synced_notes + v_note.synced_from_ide::integer
    where workspace.id = caller.workspace_id;

  v_reply := auth.reply(caller, 'created', sync.note_json(v_note, false)::text);
  perform sync.remember(caller, p_idempotency_key, v_endpoint, p_request_hash, 201, v_reply.body);
  return v_reply;
end $$;
