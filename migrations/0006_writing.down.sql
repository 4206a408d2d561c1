-- No rows came with these functions, and none go.
drop function sync.count_fitting, sync.free_path_beside, sync.find_notes, sync.version_json, sync.version_of, sync.delete_note, sync.edit_note, sync.conflict,
  sync.create_note, sync.gone_json, sync.path_taken, sync.move_between_folders, sync.count_written, sync.refused;
drop index noted.notes_path_live;
create unique index notes_path_live on noted.notes (workspace_id, ide_file_path) where deleted_at is null;
drop type sync.found_notes;
drop type sync.version;
drop type sync.written;
drop type sync.edit;
