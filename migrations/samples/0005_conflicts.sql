-- A conflict that was noticed and settled, and one that was archived.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
-- By the names of the columns, because a later migration keeps the texts elsewhere.
insert into noted.sync_conflict_events
  select event.* from (select * from noted.notes where workspace_id = auth.workspace_id() order by id limit 1) as note,
    jsonb_populate_record(null::noted.sync_conflict_events, jsonb_build_object(
      'workspace_id', note.workspace_id, 'id', '00000000-0000-7000-8000-0000000000c1', 'conflict_id', '00000000-0000-7000-8000-0000000000c1',
      'note_id', note.id, 'user_id', note.created_by_user_id, 'event', 'detected', 'origin', 'sample', 'at', now(), 'kind', 'update',
      'ide_vector', '{}'::jsonb, 'ide_content', 'mine', 'ide_content_sha256', encode(sha256('mine'), 'hex'), 'noted_version', note.version,
      'noted_vector', note.version_vector, 'noted_content', note.content, 'noted_content_sha256', note.content_sha256)) as event;
insert into noted.sync_conflict_events (workspace_id, conflict_id, note_id, user_id, event, origin, strategy, decided_by)
  select detected.workspace_id, detected.conflict_id, detected.note_id, detected.user_id, 'decided', 'sample', 'keep_noted', 'user'
    from noted.sync_conflict_events as detected where detected.conflict_id = '00000000-0000-7000-8000-0000000000c1';
insert into noted.sync_conflict_archive
  select * from noted.sync_conflict_events where conflict_id = '00000000-0000-7000-8000-0000000000c1';
