-- Begins a round of the worker. One call is one transaction.
--
-- Outcome: begun (bulk: some of the notes whose chunks are missing, with their texts; asked for again until there are none). What takes long is only
-- begun here and done in slices: notes are queued for a model that is new, vectors of an old one go, words are counted.
create or replace function api.jobs_begin(p_model text) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_reply api.reply;
begin
  perform search.begin_model(p_model);
  perform search.begin_counts();
  perform search.prune_answers(5000);
  v_reply.outcome := 'begun';
  v_reply.bulk := search.not_analysed(50)::text;
  return v_reply;
end $$;
revoke execute on function api.jobs_begin from public, noted_app;
grant execute on function api.jobs_begin to noted_worker;
