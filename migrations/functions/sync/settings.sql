-- What a workspace sets for itself.

-- The settings of a workspace as clients see them.
create function sync.settings_json(p_workspace_id uuid) returns json
language sql stable
return (
  select json_build_object(
      'ai_processing', workspace.ai_processing,
      'agent_note_bytes_max', workspace.agent_note_bytes_max,
      'agent_refused_words', workspace.agent_refused_words,
      'conflict_retention_days', workspace.conflict_retention_days)
    from noted.workspaces as workspace where workspace.id = p_workspace_id);

-- Sets how long conflicts are kept; null changes nothing.
create function sync.set_conflict_retention(p_workspace_id uuid, p_days integer) returns void
language sql volatile
begin atomic
  update noted.workspaces as workspace set conflict_retention_days = p_days where workspace.id = p_workspace_id and p_days is not null;
end;

grant execute on function sync.settings_json, sync.set_conflict_retention to noted_api;
