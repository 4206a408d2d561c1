-- Turns a note into a tombstone. One call is one transaction; deleting twice is the same as deleting once.
--
-- Outcomes: deleted (body: when), already_deleted (the same), replayed, key_reused, not_found, conflict (body: the version that the
-- sender has not seen); unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- A null `p_version_vector` deletes whatever is there; a null `p_origin` stands for the key. A null `p_idempotency_key` is fine here.
create or replace function api.ide_sync_delete(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text, p_note_id uuid, p_version_vector jsonb
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_endpoint constant text := 'DELETE /v1/ide-sync/delete/' || p_note_id;
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:delete', 'ide:sync']);
  v_origin constant text := coalesce(p_origin, 'key-' || caller.key_id);
  v_reply api.reply;
  v_seq bigint;
  v_old noted.notes;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_seq := sync.lock_workspace(caller.workspace_id) + 1;

  v_reply := sync.replay(caller, p_idempotency_key, v_endpoint, p_request_hash);
  if v_reply.outcome is not null then
    return v_reply;
  end if;

  select note.* into v_old from noted.notes as note where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  if not found then
    return auth.reply(caller, 'not_found');
  elsif v_old.deleted_at is not null then
    v_reply := auth.reply(caller, 'already_deleted', json_build_object('deleted_at', sync.instant(v_old.deleted_at))::text);
  elsif p_version_vector is not null and not sync.has_seen(p_version_vector, v_old.version_vector) then
    return auth.reply(caller, 'conflict', sync.noted_version(v_old)::text);
  else
    perform sync.keep_revision(v_old);
    update noted.notes as note
      set deleted_at = now(), deleted_by = v_origin, updated_at = now(), version = note.version + 1, seq = v_seq,
          version_vector = sync.counted(coalesce(p_version_vector, note.version_vector), v_origin), last_sync_origin_id = v_origin
      where note.workspace_id = caller.workspace_id and note.id = p_note_id;
    update noted.folders as folder set live_notes = folder.live_notes - 1
      where folder.workspace_id = caller.workspace_id and folder.id = v_old.folder_id;
    update noted.workspaces as workspace
      set seq = v_seq, live_notes = workspace.live_notes - 1, last_sync_at = now(),
          synced_notes = workspace.synced_notes - v_old.synced_from_ide::integer
      where workspace.id = caller.workspace_id;
    v_reply := auth.reply(caller, 'deleted', json_build_object('deleted_at', sync.instant(now()))::text);
  end if;

  if p_idempotency_key is not null then
    perform sync.remember(caller, p_idempotency_key, v_endpoint, p_request_hash, 200, v_reply.body);
  end if;
  return v_reply;
end $$;
