-- Words are counted anew: the counts beside those in use go.
drop table search.slices;
set local role noted_search;
delete from search.lexemes as lexeme using search.workspaces as known
  where known.workspace_id = lexeme.workspace_id and known.lexemes_side <> lexeme.side;
reset role;
alter table search.lexemes drop constraint lexemes_pkey, drop column side, add constraint lexemes_pkey primary key (workspace_id, lexeme);
alter table search.workspaces drop column lexemes_side, drop column lexemes_part;
drop index search.notes_not_analysed;
create index notes_not_analysed on search.notes (workspace_id, note_id) where content_sha256 is null;
