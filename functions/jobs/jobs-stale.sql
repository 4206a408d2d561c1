-- Some of the notes that an earlier release has cut, to be cut anew. One call is one transaction.
--
-- Outcome: claimed (bulk: the notes with their texts; none if none are stale).
create or replace function api.jobs_stale() returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_reply api.reply;
begin
  v_reply.outcome := 'claimed';
  v_reply.bulk := search.stale(50)::text;
  return v_reply;
end $$;
revoke execute on function api.jobs_stale from public, noted_app;
grant execute on function api.jobs_stale to noted_worker;
