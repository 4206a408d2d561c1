-- Stores the chunks of one note that the worker cut. One call is one transaction.
--
-- Outcome: analysed. If the note changed meanwhile, whoever changed it has cut it, or it is found again.
create or replace function api.jobs_analysed(p_workspace_id uuid, p_note_id uuid, p_analysis jsonb) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_reply api.reply;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  -- As every writer of the workspace.
  perform sync.lock_workspace(p_workspace_id);
  perform search.follow(p_workspace_id, p_note_id, p_analysis);
  v_reply.outcome := 'analysed';
  return v_reply;
end $$;
revoke execute on function api.jobs_analysed from public, noted_app;
grant execute on function api.jobs_analysed to noted_worker;
