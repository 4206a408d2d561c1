-- Back to tenants only: the notes, their revisions and their folders go.

drop table noted.note_revisions;
drop table noted.notes;
drop table noted.folders;
-- The counters of what is gone.
alter table noted.workspaces no force row level security;
update noted.workspaces set live_notes = 0, synced_notes = 0, last_sync_at = null;
alter table noted.workspaces force row level security;
