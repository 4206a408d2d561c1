-- A note that an agent wrote at the second try, and what a person made of it.
do $$
declare
  caller auth.caller;
  v_judgement jsonb := jsonb_build_object(
    'content_sha256', encode(sha256('An agent''s first words.'), 'hex'), 'note_id', null, 'conflict_id', null, 'title', 'Agent''s',
    'preview', 'An agent''s first words.', 'rag_context_ids', array['sample'], 'agent_model', 'sample-model', 'generation_timestamp', now(),
    'allow_duplicate', true,
    'violations', json_build_array(json_build_object('rule', 'minimum_content_length', 'message', 'too short', 'line', null, 'recoverable', true)));
  v_draft noted.notes;
  v_edit sync.edit;
  v_written sync.written;
  v_note_id uuid;
begin
  perform set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
  caller.outcome := 'entered';
  caller.workspace_id := '00000000-0000-7000-8000-000000000001';
  caller.kind := 'agent';
  select key.user_id, key.id into strict caller.user_id, caller.key_id
    from noted.user_api_keys as key where key.workspace_id = caller.workspace_id limit 1;
  perform sync.record_attempt(caller, null, v_judgement);
  v_judgement := sync.judge(caller, jsonb_set(v_judgement, '{violations}', '[]'));
  v_draft.title := 'Agent''s';
  v_draft.content := 'An agent''s first words.';
  v_draft.content_sha256 := encode(sha256('An agent''s first words.'), 'hex');
  v_draft.note_type := 'agent_generated';
  v_draft.source_metadata := '{}';
  v_draft.file_metadata := '{}';
  v_draft.last_sync_origin_id := 'sample';
  v_written := sync.create_note(caller, sync.lock_workspace(caller.workspace_id) + 1, v_draft);
  perform sync.count_written(caller.workspace_id, v_written.changes, v_written.live, v_written.synced, false);
  v_note_id := ((v_written.reply).body::json ->> 'id')::uuid;
  perform sync.follow(caller, v_note_id, jsonb_build_object('judgement', v_judgement));

  caller.kind := 'user';
  v_edit.origin := 'sample';
  v_edit.content := 'A person''s last words.';
  v_edit.content_sha256 := encode(sha256('A person''s last words.'), 'hex');
  v_written := sync.edit_note(caller, sync.lock_workspace(caller.workspace_id) + 1, v_note_id, v_edit);
  perform sync.count_written(caller.workspace_id, v_written.changes, v_written.live, v_written.synced, false);
  perform sync.follow(caller, v_note_id, null);
end $$;
