-- Does a slice of a task of the worker for a workspace that was taken. One call is one transaction.
--
-- Outcome: stored (body: whether more is left).
create or replace function api.jobs_slice(p_task text, p_workspace_id uuid) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_reply api.reply;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  v_reply.body := to_json(search.do_slice(p_task, p_workspace_id))::text;
  v_reply.outcome := 'stored';
  return v_reply;
end $$;
revoke execute on function api.jobs_slice from public, noted_app;
grant execute on function api.jobs_slice to noted_worker;
