-- A folder, a live note with an older text, a note without a path, and a tombstone whose path is in use again.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into noted.folders (workspace_id, id, name, live_notes) values
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000f1', 'docs', 1);
insert into noted.notes (
  workspace_id, id, folder_id, created_by_user_id, title, content, content_sha256, note_type, source_metadata, ide_file_path,
  ide_last_modified, last_ide_sync_at, version, version_vector, seq, last_sync_origin_id, deleted_at, deleted_by
)
select '00000000-0000-7000-8000-000000000001', id, folder_id, '00000000-0000-7000-8000-0000000000a1', title, content,
  encode(sha256(convert_to(content, 'UTF8')), 'hex'), note_type, source::jsonb, path,
  '2026-01-01', now(), version, vector::jsonb, seq, 'sample-editor', deleted_at, deleted_by
from (values
  ('00000000-0000-7000-8000-0000000000e1'::uuid, '00000000-0000-7000-8000-0000000000f1'::uuid, 'Architecture', E'# Architecture\n\nSecond text, caf\u00e9.\n',
   'ide_synced', '{}', 'docs/architecture.md', 2, '{"sample-editor": 2}', 2, null::timestamptz, null),
  ('00000000-0000-7000-8000-0000000000e2', null, 'Summary', 'Written by an agent.',
   'agent_generated', '{"agent_name": "scribe"}', null, 1, '{"scribe": 1}', 3, null, null),
  ('00000000-0000-7000-8000-0000000000e3', null, 'Old', '',
   'ide_synced', '{}', 'docs/architecture.md', 2, '{"sample-editor": 2}', 4, '2026-01-02', 'sample-editor')
) as sample (id, folder_id, title, content, note_type, source, path, version, vector, seq, deleted_at, deleted_by);
insert into noted.note_revisions (workspace_id, note_id, version_number, title, content, content_sha256, version_vector, created_by, created_at)
values ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000e1', 1, 'Architecture', 'First text.',
  encode(sha256('First text.'), 'hex'), '{"sample-editor": 1}', 'sample-editor', '2026-01-01');
update noted.workspaces set seq = 4, live_notes = 2, synced_notes = 1, last_sync_at = now() where id = '00000000-0000-7000-8000-000000000001';
