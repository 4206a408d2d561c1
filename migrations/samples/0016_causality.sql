-- A key that writes under a name, a text that says who wrote it, and a vector with a counter for all others.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into noted.sync_origins (workspace_id, origin, key_id)
  select key.workspace_id, 'sample', key.id from noted.user_api_keys as key where key.workspace_id = auth.workspace_id() order by key.id limit 1
  on conflict do nothing;
insert into noted.notes (
    workspace_id, created_by_user_id, title, content, content_sha256, seq, version, version_vector, last_sync_origin_id,
    author_key_id, author_kind, author_model)
  select workspace.id, '00000000-0000-7000-8000-0000000000a1', 'Authored', 'by an agent', encode(sha256('by an agent'), 'hex'),
      workspace.seq + 1, 9, '{"~": 7, "sample": 9}', 'sample', '00000000-0000-7000-8000-0000000000b1', 'agent', 'a-model'
    from noted.workspaces as workspace where workspace.id = auth.workspace_id();
update noted.workspaces set seq = seq + 1, live_notes = live_notes + 1 where id = auth.workspace_id();
