-- A conflict of which each text is kept once.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into noted.conflict_texts (workspace_id, note_id, content_sha256, content)
  select note.workspace_id, note.id, text.content_sha256, text.content
    from (select * from noted.notes where workspace_id = auth.workspace_id() order by id limit 1) as note
    cross join lateral (values (encode(sha256('sent'), 'hex'), 'sent'), (encode(sha256('mine'), 'hex'), 'mine'), (note.content_sha256, note.content)) as text (content_sha256, content)
  on conflict do nothing;
insert into noted.sync_conflict_events (
    workspace_id, conflict_id, note_id, user_id, event, origin, kind, ide_vector, ide_content_sha256, noted_version, noted_vector,
    noted_content_sha256)
  select note.workspace_id, noted.new_id(), note.id, note.created_by_user_id, 'detected', 'sample', 'update', '{}',
      encode(sha256('sent'), 'hex'), note.version, note.version_vector, note.content_sha256
    from noted.notes as note where note.workspace_id = auth.workspace_id() order by note.id limit 1;
update noted.workspaces as workspace set stored_bytes = stored_bytes + octet_length('sent') where workspace.id = auth.workspace_id();
