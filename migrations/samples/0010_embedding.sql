-- A note whose attempts are used up.
do $$
declare
  v_workspace_id constant uuid := '00000000-0000-7000-8000-000000000001';
begin
  perform set_config('noted.workspace_id', v_workspace_id::text, true);
  update search.notes as note
    set embedding_status = 'failed_permanently', embedding_attempts = 4, embedding_error = 'no attempt came to an end'
    where note.workspace_id = v_workspace_id and note.content_sha256 is not null;
end $$;
