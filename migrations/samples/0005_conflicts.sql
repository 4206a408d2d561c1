-- A conflict that was noticed and settled, and one that was archived.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into noted.sync_conflict_events (
    workspace_id, id, conflict_id, note_id, user_id, event, origin, kind, ide_vector, ide_content, ide_content_sha256,
    noted_version, noted_vector, noted_content, noted_content_sha256, base_version)
  select note.workspace_id, '00000000-0000-7000-8000-0000000000c1', '00000000-0000-7000-8000-0000000000c1', note.id, note.created_by_user_id,
      'detected', 'sample', 'update', '{}', 'mine', encode(sha256('mine'), 'hex'), note.version, note.version_vector, note.content,
      note.content_sha256, null
    from noted.notes as note where note.workspace_id = '00000000-0000-7000-8000-000000000001' order by note.id limit 1;
insert into noted.sync_conflict_events (workspace_id, conflict_id, note_id, user_id, event, origin, strategy, decided_by)
  select detected.workspace_id, detected.conflict_id, detected.note_id, detected.user_id, 'decided', 'sample', 'keep_noted', 'user'
    from noted.sync_conflict_events as detected where detected.conflict_id = '00000000-0000-7000-8000-0000000000c1';
insert into noted.sync_conflict_archive
  select * from noted.sync_conflict_events where conflict_id = '00000000-0000-7000-8000-0000000000c1';
