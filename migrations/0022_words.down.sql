-- Conditions are asked of parts of notes again, and no note is stale.
truncate search.answers;
drop index search.notes_by_status;
create index notes_by_status on search.notes (workspace_id, embedding_status) where embedding_status <> 'completed';
drop index search.notes_stale;
alter table search.notes drop column is_stale;
drop type search.asked;
alter type search.filter drop attribute required, drop attribute excluded;
