-- Agents' texts are held against the rules of their workspace, and compared with notes by their vectors.

-- What a workspace has agents' notes held against besides the rules that are the same for all.
alter table noted.workspaces add column agent_note_bytes_max integer not null default 102400;
-- Words that agents may not use; none unless somebody sets some.
alter table noted.workspaces add column agent_refused_words text[] not null default '{}';
alter table noted.workspaces add constraint workspaces_agent_rules_bounded check (
  agent_note_bytes_max between 1024 and 1048576 and cardinality(agent_refused_words) <= 1000);
