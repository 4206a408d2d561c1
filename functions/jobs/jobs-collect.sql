-- Clears away some of what a workspace does not need any more. One call is one transaction.
--
-- Outcome: collected (body: how many of each, and whether more may be left). If nothing is left, the next turn is in a day.
create or replace function api.jobs_collect(p_workspace_id uuid, p_texts_max integer, p_rows_max integer) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_collected constant jsonb := sync.collect(p_workspace_id, p_texts_max, p_rows_max);
  v_reply api.reply;
begin
  update noted.workspaces as workspace
    set collect_at = now() + case when (v_collected -> 'has_more')::boolean then interval '0' else interval '1 day' end
    where workspace.id = p_workspace_id;
  v_reply.outcome := 'collected';
  v_reply.body := v_collected::text;
  return v_reply;
end $$;
revoke execute on function api.jobs_collect from public, noted_app;
grant execute on function api.jobs_collect to noted_worker;
