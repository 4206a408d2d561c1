-- A workspace that has rules of its own.
select set_config('noted.workspace_id', '00000000-0000-7000-8000-000000000001', true);
update noted.workspaces set agent_note_bytes_max = 50000, agent_refused_words = array['sample'] where id = auth.workspace_id();
