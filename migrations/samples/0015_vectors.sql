-- A model that a workspace is moving away from, and a provider of it that has begun to fail.
do $$
declare
  v_workspace_id constant uuid := '00000000-0000-7000-8000-000000000001';
begin
  perform set_config('noted.workspace_id', v_workspace_id::text, true);
  update search.workspaces as known set embedding_model = 'sample-model' where known.workspace_id = v_workspace_id;
  insert into search.providers (model, failures) values ('sample-model', 2)
    on conflict (model) do nothing;
end $$;
