-- Putting notes off takes the workspace before its notes, as every other change does: it cannot wait for a writer who waits for it.
set local role noted_search;

-- Ends leases of notes that got no vectors: they are tried again later, or given up.
create or replace function search.fail(p_model text, p_notes json, p_error text, p_wait interval) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_delays constant interval[] := array['1 minute', '5 minutes', '15 minutes'];
begin
  perform search.lock_workspace(claimed.workspace_id)
    from (select distinct claimed.workspace_id from json_to_recordset(p_notes) as claimed (workspace_id uuid) order by claimed.workspace_id) as claimed;
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
