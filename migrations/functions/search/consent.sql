-- Whether texts of a workspace may go to the provider.

-- Lets the texts of a workspace go to the provider, or no longer: then its vectors go too. Whoever calls it has made sure that somebody may decide that.
create function search.set_consent(p_workspace_id uuid, p_consents boolean) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  perform sync.lock_workspace(p_workspace_id);
  update noted.workspaces as workspace set ai_processing = p_consents where workspace.id = p_workspace_id;
  if p_consents then
    perform search.queue(p_workspace_id);
  else
    delete from search.embeddings as embedding where embedding.workspace_id = p_workspace_id;
    delete from search.questions as question where question.workspace_id = p_workspace_id;
    update search.notes as note
      set embedding_status = null, embedding_attempts = 0, embedding_error = null where note.workspace_id = p_workspace_id;
  end if;
  update search.workspaces as workspace set generation = workspace.generation + 1 where workspace.workspace_id = p_workspace_id;
end $$;

grant execute on function search.set_consent to noted_api;
