-- A note created the way a request does it, remembered by its key.
do $$
declare
  v_change sync.change;
  v_user_id uuid;
  v_draft noted.notes;
begin
  perform set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
  v_change.caller.outcome := 'entered';
  v_change.caller.workspace_id := '00000000-0000-7000-8000-000000000001';
  select member.user_id into strict v_user_id
    from noted.workspace_members as member where member.workspace_id = (v_change.caller).workspace_id limit 1;
  v_change.caller.user_id := v_user_id;
  v_change.endpoint := 'POST /v1/notes';
  v_change.idempotency_key := 'sample-change';
  v_change.request_hash := repeat('a', 64);
  v_change.seq := sync.lock_workspace((v_change.caller).workspace_id) + 1;
  v_draft.title := 'Changed';
  v_draft.content := 'from the first statement to the last';
  v_draft.content_sha256 := encode(sha256('from the first statement to the last'), 'hex');
  v_draft.note_type := 'user_created';
  v_draft.source_metadata := '{}';
  v_draft.file_metadata := '{}';
  v_draft.last_sync_origin_id := 'sample';
  perform sync.end_change(v_change, sync.create_note(v_change.caller, v_change.seq, v_draft), null, false);
end $$;
