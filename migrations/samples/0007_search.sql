-- A note that search knows, with a chunk, a word that was counted and a vector; and one that waits for the worker.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into search.workspaces (workspace_id, chunks, words) values (auth.workspace_id(), 1, 1) on conflict do nothing;
insert into search.notes (workspace_id, note_id)
  select note.workspace_id, note.id from noted.notes as note
    where note.workspace_id = auth.workspace_id() and note.deleted_at is null order by note.id limit 2
  on conflict do nothing;
update search.notes as known set content_sha256 = note.content_sha256, title = note.title, path = note.ide_file_path
  from (select first.* from noted.notes as first where first.deleted_at is null order by first.id limit 1) as note
  where known.workspace_id = note.workspace_id and known.note_id = note.id;
insert into search.chunks (workspace_id, note_id, chunk_index, heading_path, byte_start, byte_end, text_hash, words_count, words)
  select known.workspace_id, known.note_id, 0, array['Sample'], 0, 1, sha256('sample'), 1, (quote_literal(workspace.number || ':sample') || ':1')::tsvector
    from search.notes as known join search.workspaces as workspace on workspace.workspace_id = known.workspace_id
    where known.content_sha256 is not null
  on conflict do nothing;
insert into search.lexemes (workspace_id, lexeme, chunks)
  select known.workspace_id, known.number || ':sample', 1 from search.workspaces as known on conflict do nothing;
insert into search.embeddings (workspace_id, model, text_hash, embedding)
  values (auth.workspace_id(), 'sample-model', sha256('sample'), array_fill(0.03125::real, array[1024])::vector::halfvec(1024))
  on conflict do nothing;
insert into search.providers (model, failures) values ('sample-model', 1) on conflict do nothing;
