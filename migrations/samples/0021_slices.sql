-- Counting that has begun.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into search.slices (workspace_id, task, part, chunks) values (auth.workspace_id(), 'count', 1, 1) on conflict do nothing;
insert into search.lexemes (workspace_id, side, lexeme, chunks)
  select known.workspace_id, true, known.number || ':sample', 1 from search.workspaces as known where known.workspace_id = auth.workspace_id()
  on conflict do nothing;
