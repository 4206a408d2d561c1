-- Deletes a folder. One call is one transaction.
--
-- Outcomes: deleted (body: how many notes were moved), replayed, key_reused, no_folder (body: its id), folder_not_empty (body: how many folders and
-- live notes are in it), too_many (more notes than one request moves), storage_full; unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- No note is deleted with its folder. With `p_moves_notes` the live ones move to where the folder was, each a change of its own; deleted ones that come
-- back later are in no folder.
create or replace function api.folders_delete(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text, p_folder_id uuid, p_moves_notes boolean,
  p_notes_max integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, case when p_moves_notes then array['notes:delete', 'notes:write'] else array['notes:delete'] end,
    'DELETE /v1/folders/' || p_folder_id, p_idempotency_key, p_request_hash, p_origin, null);
  v_folder noted.folders;
  v_folders bigint;
  v_note_id uuid;
  v_edit sync.edit;
  v_written sync.written;
  v_moved sync.written := sync.refused(null);
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  end if;
  select folder.* into v_folder from noted.folders as folder
    where folder.workspace_id = (v_change.caller).workspace_id and folder.id = p_folder_id;
  if not found then
    return auth.reply(v_change.caller, 'no_folder', to_json(p_folder_id)::text);
  end if;
  select count(*) into v_folders from noted.folders as child where child.workspace_id = v_folder.workspace_id and child.parent_id = p_folder_id;
  if v_folders > 0 or (v_folder.live_notes > 0 and not p_moves_notes) then
    return auth.reply(
      v_change.caller, 'folder_not_empty', json_build_object('folders', v_folders, 'live_notes', v_folder.live_notes)::text);
  elsif v_folder.live_notes > p_notes_max then
    return auth.reply(v_change.caller, 'too_many');
  end if;

  v_edit.origin := v_change.origin;
  v_edit.sets_folder := true;
  v_edit.folder_id := v_folder.parent_id;
  for v_note_id in
    select note.id from noted.notes as note
      where note.workspace_id = v_folder.workspace_id and note.folder_id = p_folder_id and note.deleted_at is null order by note.id
  loop
    v_written := sync.edit_note(v_change.caller, v_change.seq + v_moved.changes, v_note_id, v_edit);
    if v_written.changes = 0 then
      -- What refuses one refuses all of them, so nothing was moved yet.
      return v_written.reply;
    end if;
    perform sync.follow(v_change.caller, v_note_id, null);
    v_moved := sync.both(v_moved, v_written);
  end loop;
  perform sync.count_written(v_folder.workspace_id, v_moved, false);
  delete from noted.folders as folder where folder.workspace_id = v_folder.workspace_id and folder.id = p_folder_id;
  return sync.end_change(
    v_change, sync.refused(auth.reply(v_change.caller, 'deleted', json_build_object('notes_moved', v_moved.changes)::text)), null, false);
end $$;
