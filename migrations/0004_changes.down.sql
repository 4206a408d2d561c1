-- What is collected stays collected, and an older schema does not say so: a client that was away longer than the tombstones are kept
-- would not be told.
drop index noted.idx_idempotent_created_at;
create index idx_idempotent_created_at on noted.idempotent_requests (created_at);
drop index noted.idx_notes_deleted;
create index idx_notes_deleted on noted.notes (deleted_at) where deleted_at is not null;
drop index noted.notes_updated;
create index notes_updated_live on noted.notes (workspace_id, updated_at) where deleted_at is null;
alter table noted.workspaces drop constraint workspaces_horizon_reached;
alter table noted.workspaces drop column tombstone_horizon;
