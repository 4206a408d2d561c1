-- Two workspaces that share a person, and a key of each kind that matters to later migrations.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
insert into noted.users (id, email) values
  ('00000000-0000-7000-8000-0000000000a1', 'ada@example.com'),
  ('00000000-0000-7000-8000-0000000000a2', 'bob@example.com');
insert into noted.workspaces (id, name, tier) values ('00000000-0000-7000-8000-000000000001', 'Sample one', 'free');
insert into noted.workspace_members (workspace_id, user_id, role) values
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1', 'owner'),
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a2', 'editor');
insert into noted.user_api_keys (workspace_id, user_id, kind, expires_at, key_hash, last_four, public_id) values
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a1', 'ide', now() + interval '90 days',
   sha256('sample key 1'), 'aaaa', 'sample-1'),
  ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a2', 'agent', '2001-01-01', sha256('sample key 2'), 'bbbb', 'sample-2');

select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000002', true);
insert into noted.workspaces (id, name, tier) values ('00000000-0000-7000-8000-000000000002', 'Sample two', 'pro');
insert into noted.workspace_members (workspace_id, user_id, role) values
  ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-0000000000a1', 'viewer');
insert into noted.user_api_keys (workspace_id, user_id, kind, scopes, key_hash, last_four, public_id) values
  ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-0000000000a1', 'integration', array['notes:read'],
   sha256('sample key 3'), 'cccc', 'sample-3');
