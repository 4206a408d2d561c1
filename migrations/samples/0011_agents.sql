-- A note that an agent wrote at the second try, and what a person made of it.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into noted.agent_write_attempts (
    workspace_id, note_id, key_id, title, agent_model, content_preview, content_sha256, validation_status, validation_errors, rag_context_ids, is_retry,
    written_version)
  select note.workspace_id, attempt.note_id, key.id, note.title, 'sample-model', 'An agent''s first words.',
      encode(sha256('An agent''s first words.'), 'hex'), attempt.status, attempt.errors::jsonb, '{sample}', attempt.is_retry, attempt.version
    from (select first.* from noted.notes as first where first.deleted_at is null order by first.id limit 1) as note
    cross join (select any_key.id from noted.user_api_keys as any_key order by any_key.id limit 1) as key
    cross join lateral (values
      (null::uuid, 'failed', '[{"rule": "minimum_content_length", "message": "too short", "line": null, "recoverable": true}]', false, null::bigint),
      (note.id, 'retried', '[]', true, 1)) as attempt (note_id, status, errors, is_retry, version);
insert into noted.agent_note_corrections (workspace_id, note_id, user_id, agent_model, original_content, corrected_content)
  select note.workspace_id, note.id, note.created_by_user_id, 'sample-model', 'An agent''s first words.', note.content
    from noted.notes as note where note.deleted_at is null order by note.id limit 1;
