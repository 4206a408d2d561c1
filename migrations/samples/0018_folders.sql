-- A folder within a folder.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into noted.folders (workspace_id, id, parent_id, name) values
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000f2', '00000000-0000-7000-8000-0000000000f1', 'adr')
  on conflict do nothing;
