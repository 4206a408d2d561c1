-- A note written the way every route writes.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
do $$
declare
  caller auth.caller;
  v_draft noted.notes;
  v_written sync.written;
begin
  caller.outcome := 'entered';
  caller.workspace_id := '00000000-0000-7000-8000-000000000001';
  select member.user_id into strict caller.user_id from noted.workspace_members as member where member.workspace_id = caller.workspace_id limit 1;
  v_draft.title := 'Written';
  v_draft.content := 'by the shared function';
  v_draft.content_sha256 := encode(sha256('by the shared function'), 'hex');
  v_draft.note_type := 'user_created';
  v_draft.source_metadata := '{}';
  v_draft.file_metadata := '{}';
  v_draft.last_sync_origin_id := 'sample';
  v_written := sync.create_note(caller, sync.lock_workspace(caller.workspace_id) + 1, v_draft);
  perform sync.count_written(caller.workspace_id, v_written.changes, v_written.live, v_written.synced, false);
end $$;
