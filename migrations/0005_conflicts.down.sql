-- The conflict log goes with its texts: an older schema has no place for it. Revisions that were let go stay gone.
drop view noted.sync_conflicts;
drop table noted.sync_conflict_archive;
drop table noted.sync_conflict_events;
revoke delete on noted.note_revisions from noted_api;
