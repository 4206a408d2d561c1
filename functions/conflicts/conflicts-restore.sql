-- Gives a note one side's text of a conflict, settled or not, as a new version. One call is one transaction.
--
-- Outcomes: updated and unchanged (body: the note with its text), replayed, key_reused, no_conflict, not_found (the note is collected), no_side
-- (the sender wanted to delete and sent no text), path_taken, no_folder; unauthorized, wrong_workspace, missing_scope, rate_limited. A null
-- idempotency key is fine.
create or replace function api.conflicts_restore(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_conflict_id uuid, p_origin text, p_is_ide boolean
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:write'], 'POST /v1/conflicts/' || p_conflict_id || '/restore', p_idempotency_key, p_request_hash, p_origin, null);
  v_conflict noted.sync_conflicts;
  v_edit sync.edit;
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  end if;

  v_conflict := sync.conflict_of((v_change.caller).workspace_id, p_conflict_id);
  if v_conflict.id is null then
    return auth.reply(v_change.caller, 'no_conflict');
  elsif p_is_ide and v_conflict.ide_content_sha256 is null then
    return auth.reply(v_change.caller, 'no_side');
  end if;
  v_edit.origin := v_change.origin;
  v_edit.content_sha256 := case when p_is_ide then v_conflict.ide_content_sha256 else v_conflict.noted_content_sha256 end;
  v_edit.content := sync.conflict_text(v_conflict, v_edit.content_sha256);
  v_edit.restores := true;
  v_edit.wants_content := true;
  return sync.end_change(v_change, sync.edit_note(v_change.caller, v_change.seq, v_conflict.note_id, v_edit), v_conflict.note_id, false);
end $$;
