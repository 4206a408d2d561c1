-- A workspace that the collector should have come to yesterday.
do $$
begin
  perform set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
  update noted.workspaces as workspace set collect_at = now() - interval '1 day' where workspace.id = auth.workspace_id();
end $$;
