-- A remembered answer, one that is too old to count, and a counter.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into noted.idempotent_requests (workspace_id, idempotency_key, endpoint, user_id, request_hash, status_code, response_body, created_at) values
  ('00000000-0000-7000-8000-000000000001', 'sample-1', 'POST /v1/ide-sync/create', '00000000-0000-7000-8000-0000000000a1', encode(sha256('one'), 'hex'), 201,
   '{"id": "00000000-0000-7000-8000-0000000000e1"}', now()),
  ('00000000-0000-7000-8000-000000000001', 'sample-2', 'POST /v1/ide-sync/create', '00000000-0000-7000-8000-0000000000a1', encode(sha256('two'), 'hex'), 201,
   '{"id": "00000000-0000-7000-8000-0000000000e2"}', now() - interval '2 days');
insert into noted.rate_counters (workspace_id, user_id, slot, step, counts) values
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1', 0, 1, array[5]);
