-- The workspace is not taken any more.
set local role noted_search;

create or replace function search.fail(p_model text, p_notes json, p_error text, p_wait interval) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_delays constant interval[] := array['1 minute', '5 minutes', '15 minutes'];
begin
  update search.notes as note
    set embedding_status = case
          when p_wait is null and note.embedding_attempts > cardinality(c_delays) then 'failed_permanently' else 'pending' end,
        embedding_attempts = note.embedding_attempts - (p_wait is not null)::integer, embedding_error = left(p_error, 500),
        due_at = now() + coalesce(p_wait, c_delays[note.embedding_attempts], interval '0')
    from json_to_recordset(p_notes) as claimed (workspace_id uuid, note_id uuid, content_sha256 text)
    where note.workspace_id = claimed.workspace_id and note.note_id = claimed.note_id
      and note.content_sha256 = claimed.content_sha256 and note.embedding_status = 'in_progress';
  perform search.provider_failed(p_model, p_wait);
end $$;

reset role;
