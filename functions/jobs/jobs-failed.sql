-- Ends the leases of notes whose vectors did not come. One call is one transaction.
--
-- Outcome: put_off. `p_wait_ms` is how long the provider asked to be left alone; null if it failed otherwise.
create or replace function api.jobs_failed(p_model text, p_notes text, p_error text, p_wait_ms bigint) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_reply api.reply;
begin
  perform search.fail(p_model, p_notes::json, p_error, p_wait_ms * interval '1 millisecond');
  v_reply.outcome := 'put_off';
  return v_reply;
end $$;
revoke execute on function api.jobs_failed from public, noted_app;
grant execute on function api.jobs_failed to noted_worker;
