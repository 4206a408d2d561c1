-- How far search has come with a workspace and with a note.

set local role noted_search;

-- How the vectors of a workspace stand.
create function search.status_json(p_workspace_id uuid) returns json
language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
  select json_build_object(
      'ai_processing', workspace.ai_processing,
      'model', known.embedding_model,
      'notes', (
        select json_build_object(
            'total', workspace.live_notes,
            'not_analysed', workspace.live_notes - count(*) filter (where note.content_sha256 is not null),
            'pending', count(*) filter (where note.embedding_status = 'pending'),
            'in_progress', count(*) filter (where note.embedding_status = 'in_progress'),
            'completed', count(*) filter (where note.embedding_status = 'completed'),
            'failed_permanently', count(*) filter (where note.embedding_status = 'failed_permanently'))
          from search.notes as note where note.workspace_id = p_workspace_id),
      'chunks', (select count(*) from search.chunks as chunk where chunk.workspace_id = p_workspace_id and chunk.chunk_index >= 0),
      'vectors', (
        select coalesce(json_agg(json_build_object('model', stored.model, 'vectors', stored.vectors) order by stored.model), '[]')
          from (
            select embedding.model, count(*) as vectors from search.embeddings as embedding
              where embedding.workspace_id = p_workspace_id group by embedding.model
          ) as stored),
      'embedded_chunks', coalesce(known.embedded_chunks, 0),
      'embedded_tokens', coalesce(known.embedded_tokens, 0),
      'oldest_queued_at', (
        select sync.instant(min(note.queued_at)) from search.notes as note
          where note.workspace_id = p_workspace_id and note.embedding_status in ('pending', 'in_progress')),
      'provider_paused_until', (
        select sync.instant(provider.open_until) from search.providers as provider
          where provider.model = known.embedding_model and provider.open_until > now()),
      'failures', (
        select coalesce(json_agg(json_build_object(
            'note_id', failed.note_id, 'title', failed.title, 'status', failed.embedding_status, 'attempts', failed.embedding_attempts,
            'error', failed.embedding_error,
            'next_attempt_at', case when failed.embedding_status = 'pending' then sync.instant(failed.due_at) end)), '[]')
          from (
            select note.* from search.notes as note
              where note.workspace_id = p_workspace_id and note.embedding_status <> 'completed' and note.embedding_error is not null
              order by note.embedding_status, note.due_at limit 20
          ) as failed))
    from noted.workspaces as workspace left join search.workspaces as known on known.workspace_id = workspace.id
    where workspace.id = p_workspace_id;
end;

-- How far the embedding of a live note is. One whose chunks are not cut yet waits like the others.
create function search.embedding_of(p_workspace_id uuid, p_note_id uuid) returns search.embedding
language sql stable
return (
  select row(
      coalesce(known.embedding_status, case when workspace.ai_processing then 'pending' end),
      case when known.embedding_status is not null then known.embedding_error end)::search.embedding
    from noted.workspaces as workspace
    left join search.notes as known on known.workspace_id = p_workspace_id and known.note_id = p_note_id
    where workspace.id = p_workspace_id);

-- How many notes lack their vectors, because they wait or were given up, as far as anybody wants to know.
create function search.pending_count(p_workspace_id uuid) returns bigint
language sql stable
return (select count(*) from (
  select from search.notes as note
    where note.workspace_id = p_workspace_id and note.embedding_status in ('pending', 'in_progress', 'failed_permanently') limit 10000) as pending);

-- What an answer is made of: another change of a note, another vector, or the chunks of a note that the worker cut, make another answer.
create function search.state(p_workspace_id uuid) returns text
language sql stable
return (
  select workspace.seq || '.' || coalesce(known.generation, 0) || '.' || coalesce(known.chunks, 0)
    from noted.workspaces as workspace left join search.workspaces as known on known.workspace_id = workspace.id
    where workspace.id = p_workspace_id);

-- The model by which a text can be compared with the notes of a workspace; null where no text may go to a provider, there is nothing to compare
-- with, or the provider is left alone.
create function search.comparable_by(p_workspace_id uuid) returns text
language sql stable
return (
  select known.embedding_model
    from noted.workspaces as workspace
    join search.workspaces as known on known.workspace_id = workspace.id
    left join search.providers as provider on provider.model = known.embedding_model
    where workspace.id = p_workspace_id and workspace.ai_processing and coalesce(provider.open_until <= now(), true)
      and exists (
        select from search.embeddings as embedding where embedding.workspace_id = p_workspace_id and embedding.model = known.embedding_model));

grant execute on function search.status_json, search.embedding_of, search.pending_count, search.state, search.comparable_by to noted_api;
