-- A note whose embedding waits, because a provider was away.
do $$
declare
  v_workspace_id constant uuid := '00000000-0000-7000-8000-000000000001';
begin
  perform set_config('noted.workspace_id', v_workspace_id::text, true);
  update search.notes as note set embedding_status = 'pending', embedding_attempts = 1, embedding_error = 'cannot be reached'
    where note.workspace_id = v_workspace_id and note.content_sha256 is not null;
end $$;
