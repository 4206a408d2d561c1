-- The conflict log goes with its texts: an older schema has no place for it. Revisions that were let go stay gone.
drop function sync.archive_conflicts, sync.merged, sync.conflict_json, sync.conflict_of, sync.prune_revisions, sync.settle_conflicts, sync.decide_conflict, sync.log_conflict, sync.base_of,
  auth.origin;
drop view noted.sync_conflicts;
drop table noted.sync_conflict_archive;
drop table noted.sync_conflict_events;
revoke delete on noted.note_revisions from noted_api;
