-- No workspace has rules of its own any more.
alter table noted.workspaces drop column agent_refused_words, drop column agent_note_bytes_max;
