-- Another, and the answer to the request that made it.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into noted.notes (workspace_id, created_by_user_id, title, content, content_sha256, seq, version_vector, last_sync_origin_id)
  select workspace.id, '00000000-0000-7000-8000-0000000000a1', 'Changed', 'and remembered', encode(sha256('and remembered'), 'hex'),
      workspace.seq + 1, '{"sample": 1}', 'sample'
    from noted.workspaces as workspace where workspace.id = auth.workspace_id();
update noted.workspaces set seq = seq + 1, live_notes = live_notes + 1 where id = auth.workspace_id();
insert into noted.idempotent_requests (workspace_id, idempotency_key, endpoint, user_id, request_hash, status_code, response_body)
  values (auth.workspace_id(), 'sample-change', 'POST /v1/notes', '00000000-0000-7000-8000-0000000000a1', repeat('a', 64), 201, '{}')
  on conflict do nothing;
