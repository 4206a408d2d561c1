-- What search knew is made again from the notes.
drop policy workspaces_search on noted.workspaces;
drop policy notes_search on noted.notes;
revoke all on noted.notes, noted.workspaces from noted_search;
revoke execute on function noted.new_id(), auth.workspace_id() from noted_search;
drop schema search cascade;
alter table noted.workspaces drop column ai_processing;
revoke usage on schema noted from noted_search;
revoke usage on schema api from noted_worker;
