-- A workspace whose first tombstone has been collected.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
update noted.workspaces set tombstone_horizon = 1 where id = '00000000-0000-7000-8000-000000000001';
