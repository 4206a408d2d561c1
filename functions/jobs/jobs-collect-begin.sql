-- Takes a workspace in which something may be cleared away. One call is one transaction.
--
-- Outcomes: claimed, idle (none is due). Body: the workspace, and how many old answers were forgotten, which belong to all workspaces.
create or replace function api.jobs_collect_begin(p_answers_max integer) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  -- A worker that dies with a workspace, or a workspace that cannot be cleared, holds up no other one.
  c_lease constant interval := interval '5 minutes';
  v_answers bigint;
  v_workspace_id uuid;
  v_reply api.reply;
begin
  loop
    v_workspace_id := search.next_to_collect();
    exit when v_workspace_id is null;
    perform set_config('noted.workspace_id', v_workspace_id::text, true);
    -- Another worker may have been quicker.
    update noted.workspaces as workspace set collect_at = now() + c_lease where workspace.id = v_workspace_id and workspace.collect_at <= now();
    exit when found;
  end loop;
  v_answers := search.prune_answers(p_answers_max);
  v_reply.outcome := case when v_workspace_id is null then 'idle' else 'claimed' end;
  v_reply.body := json_build_object('workspace_id', v_workspace_id, 'answers', v_answers)::text;
  return v_reply;
end $$;
revoke execute on function api.jobs_collect_begin from public, noted_app;
grant execute on function api.jobs_collect_begin to noted_worker;
