-- A note that an earlier release has cut.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
update search.notes as known set is_stale = true where known.workspace_id = auth.workspace_id();
