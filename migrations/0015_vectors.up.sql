-- What goes wrong when writers, workers and questions meet: vectors of texts that are gone, notes whose model is an old one, and answers from before the worker came.

-- What an answer is made of: another change of a note, another vector, or the chunks of a note that the worker cut, make another answer.
create or replace function search.state(p_workspace_id uuid) returns text
language sql stable
return (
  select workspace.seq || '.' || coalesce(known.generation, 0) || '.' || coalesce(known.chunks, 0)
    from noted.workspaces as workspace left join search.workspaces as known on known.workspace_id = workspace.id
    where workspace.id = p_workspace_id);

-- Takes what search knows of a workspace, before any of its notes or chunks: whoever does so in this order never waits for one who waits for them.
create function search.lock_workspace(p_workspace_id uuid) returns void
language plpgsql volatile as $$
begin
  perform from search.workspaces as known where known.workspace_id = p_workspace_id for no key update;
end $$;
grant execute on function search.lock_workspace to noted_api, noted_search;

-- Takes the workspace for writing. Every change of a workspace waits here, so that what follows in the function is alone with it: no
-- check can be overtaken, and the order of commits is the order of `seq`.
create or replace function sync.lock_workspace(p_workspace_id uuid) returns bigint
language plpgsql volatile as $$
declare
  v_seq bigint;
begin
  select workspace.seq into strict v_seq from noted.workspaces as workspace where workspace.id = p_workspace_id for no key update;
  perform search.lock_workspace(p_workspace_id);
  return v_seq;
end $$;

set local role noted_search;

-- Stores vectors. Each goes to the text that it was made of, if a chunk still has that text.
create or replace function search.store(p_model text, p_workspaces uuid[], p_text_hashes text[], p_embeddings text[], p_tokens bigint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_workspaces uuid[];
  v_text_hashes bytea[];
begin
  with stored as (
    insert into search.embeddings (workspace_id, model, text_hash, embedding)
      select fresh.workspace_id, p_model, decode(fresh.text_hash, 'hex'), fresh.embedding::halfvec(1024)
        from unnest(p_workspaces, p_text_hashes, p_embeddings) as fresh (workspace_id, text_hash, embedding)
        where exists (
          select from search.chunks as chunk
            where chunk.workspace_id = fresh.workspace_id and chunk.text_hash = decode(fresh.text_hash, 'hex'))
        order by fresh.workspace_id, fresh.text_hash
      on conflict (workspace_id, model, text_hash) do nothing
      returning workspace_id, text_hash
  )
  select array_agg(stored.workspace_id), array_agg(stored.text_hash) into v_workspaces, v_text_hashes from stored;
  update search.workspaces as workspace
    set generation = workspace.generation + 1, embedded_chunks = workspace.embedded_chunks + stored.texts,
        embedded_tokens = workspace.embedded_tokens + p_tokens * stored.texts / cardinality(p_workspaces)
    from (select fresh.workspace_id, count(*) as texts from unnest(p_workspaces) as fresh (workspace_id) group by fresh.workspace_id) as stored
    where workspace.workspace_id = stored.workspace_id;
  -- Whoever takes the last chunk with a text away has either done so, or is doing so, and then cannot see the vector yet: it goes here. Or does so
  -- after this, has to wait for the end of it, and then sees the vector. Here nobody is waited for, so that nobody waits for one another.
  with held as (
    select chunk.workspace_id, chunk.text_hash from search.chunks as chunk
      join unnest(v_workspaces, v_text_hashes) as stored (workspace_id, text_hash)
        on chunk.workspace_id = stored.workspace_id and chunk.text_hash = stored.text_hash
      for share of chunk skip locked
  )
  delete from search.embeddings as embedding
    using unnest(v_workspaces, v_text_hashes) as stored (workspace_id, text_hash)
    where embedding.workspace_id = stored.workspace_id and embedding.model = p_model and embedding.text_hash = stored.text_hash
      and not exists (select from held where held.workspace_id = stored.workspace_id and held.text_hash = stored.text_hash);
  delete from search.providers as provider where provider.model = p_model;
end $$;

-- Ends leases. A note whose text is still the one that was claimed is complete when no chunk lacks a vector of its workspace's model, and otherwise
-- next in line; one that changed meanwhile was queued by whoever changed it. Answers how many are complete.
create or replace function search.finish(p_model text, p_notes json) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_completed bigint;
begin
  perform search.lock_workspace(claimed.workspace_id)
    from (select distinct claimed.workspace_id from json_to_recordset(p_notes) as claimed (workspace_id uuid) order by claimed.workspace_id) as claimed;
  with ended as (
    update search.notes as note
      set embedding_status = case when lacking.is_lacking then 'pending' else 'completed' end,
          embedding_attempts = 0, embedding_error = null,
          -- The model changed meanwhile: left to whoever has the new one, and not taken again and again by whoever has not.
          due_at = now() + case when known.embedding_model = p_model then interval '0' else interval '1 second' end
      from json_to_recordset(p_notes) as claimed (workspace_id uuid, note_id uuid, content_sha256 text)
      join search.workspaces as known on known.workspace_id = claimed.workspace_id
      cross join lateral (
        select exists (
          select from search.chunks as chunk
            where chunk.workspace_id = claimed.workspace_id and chunk.note_id = claimed.note_id and chunk.chunk_index >= 0
              and chunk.words_count > 0
              and not exists (
                select from search.embeddings as embedding
                  where embedding.workspace_id = chunk.workspace_id and embedding.text_hash = chunk.text_hash
                    and embedding.model = coalesce(known.embedding_model, p_model))
        ) as is_lacking
      ) as lacking
      where note.workspace_id = claimed.workspace_id and note.note_id = claimed.note_id
        and note.content_sha256 = claimed.content_sha256 and note.embedding_status = 'in_progress'
      returning note.embedding_status
  )
  select count(*) filter (where ended.embedding_status = 'completed') into v_completed from ended;
  return v_completed;
end $$;

reset role;
