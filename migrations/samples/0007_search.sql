-- A note that search knows, with a chunk, a word that was counted and a vector; and one that waits for the worker.
do $$
declare
  v_workspace_id constant uuid := '00000000-0000-7000-8000-000000000001';
  v_note record;
begin
  perform set_config('noted.workspace_id', v_workspace_id::text, true);
  for v_note in
    select note.id, note.title, note.ide_file_path, note.content_sha256, row_number() over (order by note.id) as place
      from noted.notes as note where note.workspace_id = v_workspace_id and note.deleted_at is null limit 2
  loop
    perform search.follow(v_workspace_id, v_note.id, case when v_note.place = 1 then jsonb_build_object(
      'texts', jsonb_build_object(v_note.content_sha256, jsonb_build_array(jsonb_build_object(
        'index', 0, 'heading_path', jsonb_build_array('Sample'), 'byte_start', 0, 'byte_end', 1, 'words_count', 1, 'words', E'''\x01sample'':1'))),
      'names', jsonb_strip_nulls(jsonb_build_object(
        v_note.title, jsonb_build_object('words_count', 1, 'words', E'''\x01title'':1'),
        coalesce(v_note.ide_file_path, 'none'), jsonb_build_object('words_count', 1, 'words', E'''\x01path'':1')))) end);
  end loop;
  insert into search.lexemes (workspace_id, lexeme, chunks)
    select v_workspace_id, known.number || ':sample', 1 from search.workspaces as known where known.workspace_id = v_workspace_id;
  insert into search.embeddings (workspace_id, model, text_hash, embedding)
    select v_workspace_id, 'sample-model', chunk.text_hash, array_fill(0.03125::real, array[1024])::vector::halfvec(1024)
      from search.chunks as chunk where chunk.workspace_id = v_workspace_id and chunk.text_hash is not null limit 1;
  insert into search.providers (model, failures) values ('sample-model', 1);
end $$;
