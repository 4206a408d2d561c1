-- A question and its answer, as they are kept for a moment.
do $$
declare
  v_workspace_id constant uuid := '00000000-0000-7000-8000-000000000001';
begin
  perform set_config('noted.workspace_id', v_workspace_id::text, true);
  insert into search.questions (workspace_id, model, question_hash, embedding)
    values (v_workspace_id, 'sample-model', sha256('how?'), array_fill(0.03125::real, array[1024])::vector::halfvec(1024))
    on conflict do nothing;
  insert into search.answers (workspace_id, request_hash, state, answer)
    values (v_workspace_id, sha256('how?'), '1.1', '[]')
    on conflict do nothing;
end $$;
