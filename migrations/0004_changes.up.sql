-- The change feed: how far back it reaches, and how what lies further back is cleared away.

-- The highest place of a tombstone that was collected. Whoever last asked before it may hold a note whose deletion nobody can tell them any
-- more, and has to read everything again.
alter table noted.workspaces add column tombstone_horizon bigint not null default 0;
alter table noted.workspaces add constraint workspaces_horizon_reached check (tombstone_horizon between 0 and seq);

-- A time becomes a place in the feed by the last change before it, and that can be a deletion: so deleted notes are in this index too.
drop index noted.notes_updated_live;
create index notes_updated on noted.notes (workspace_id, updated_at);
-- Row security lets a collector see one workspace at a time, so that is how it searches.
drop index noted.idx_notes_deleted;
create index idx_notes_deleted on noted.notes (workspace_id, deleted_at) where deleted_at is not null;
drop index noted.idx_idempotent_created_at;
create index idx_idempotent_created_at on noted.idempotent_requests (workspace_id, created_at);
