-- Deleted notes are listed, the last deleted first, without a look at the live ones.

create index notes_trash on noted.notes (workspace_id, seq) where deleted_at is not null;
