-- Takes the workspace whose turn it is with a task of the worker. One call is one transaction.
--
-- Outcomes: claimed (body: the workspace), idle (nobody's turn has come).
create or replace function api.jobs_take(p_task text) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_workspace_id constant uuid := search.take_slice(p_task);
  v_reply api.reply;
begin
  v_reply.outcome := case when v_workspace_id is null then 'idle' else 'claimed' end;
  v_reply.body := to_json(v_workspace_id)::text;
  return v_reply;
end $$;
revoke execute on function api.jobs_take from public, noted_app;
grant execute on function api.jobs_take to noted_worker;
