truncate search.answers;
drop index search.notes_not_analysed;
create index notes_not_analysed on search.notes (due_at) where content_sha256 is null;
alter table search.notes drop column is_stale;
drop type search.asked;
alter type search.filter drop attribute required, drop attribute excluded;
