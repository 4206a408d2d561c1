-- No rows came with these types, and none go.
drop index noted.notes_path_live;
create unique index notes_path_live on noted.notes (workspace_id, ide_file_path) where deleted_at is null;
drop type sync.found_notes;
drop type sync.version;
drop type sync.written;
drop type sync.edit;
