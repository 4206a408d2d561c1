-- Stores the vectors of claimed texts and ends the leases of their notes. One call is one transaction.
--
-- Outcome: stored (body: how many notes have all their vectors now).
create or replace function api.jobs_embedded(
  p_model text, p_notes text, p_workspaces text[], p_text_hashes text[], p_embeddings text[], p_tokens bigint
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_reply api.reply;
begin
  if cardinality(p_workspaces) > 0 then
    perform search.store(p_model, p_workspaces::uuid[], p_text_hashes, p_embeddings, p_tokens);
  end if;
  v_reply.outcome := 'stored';
  v_reply.body := search.finish(p_model, p_notes::json)::text;
  return v_reply;
end $$;
revoke execute on function api.jobs_embedded from public, noted_app;
grant execute on function api.jobs_embedded to noted_worker;
