-- Vectors are stored and leases end as before.
-- What an answer is made of: another change of a note, or another vector, makes another answer.
create or replace function search.state(p_workspace_id uuid) returns text
language sql stable
return (
  select workspace.seq || '.' || coalesce(known.generation, 0)
    from noted.workspaces as workspace left join search.workspaces as known on known.workspace_id = workspace.id
    where workspace.id = p_workspace_id);

create or replace function sync.lock_workspace(p_workspace_id uuid) returns bigint
language plpgsql volatile as $$
declare
  v_seq bigint;
begin
  select workspace.seq into strict v_seq from noted.workspaces as workspace where workspace.id = p_workspace_id for no key update;
  return v_seq;
end $$;

set local role noted_search;

-- Stores vectors. Each goes to the text that it was made of, if a chunk still has that text.
create or replace function search.store(p_model text, p_workspaces uuid[], p_text_hashes text[], p_embeddings text[], p_tokens bigint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  -- Whoever deletes the last chunk with a text now waits, and then sees its vector and deletes it too.
  perform from search.chunks as chunk
    join unnest(p_workspaces, p_text_hashes) as stored (workspace_id, text_hash)
      on chunk.workspace_id = stored.workspace_id and chunk.text_hash = decode(stored.text_hash, 'hex')
    order by chunk.workspace_id, chunk.note_id, chunk.chunk_index for key share of chunk;
  insert into search.embeddings (workspace_id, model, text_hash, embedding)
    select stored.workspace_id, p_model, decode(stored.text_hash, 'hex'), stored.embedding::halfvec(1024)
      from unnest(p_workspaces, p_text_hashes, p_embeddings) as stored (workspace_id, text_hash, embedding)
      where exists (
        select from search.chunks as chunk
          where chunk.workspace_id = stored.workspace_id and chunk.text_hash = decode(stored.text_hash, 'hex'))
    on conflict (workspace_id, model, text_hash) do nothing;
  update search.workspaces as workspace
    set generation = workspace.generation + 1, embedded_chunks = workspace.embedded_chunks + stored.texts,
        embedded_tokens = workspace.embedded_tokens + p_tokens * stored.texts / cardinality(p_workspaces)
    from (select fresh.workspace_id, count(*) as texts from unnest(p_workspaces) as fresh (workspace_id) group by fresh.workspace_id) as stored
    where workspace.workspace_id = stored.workspace_id;
  delete from search.providers as provider where provider.model = p_model;
end $$;

-- Ends leases. A note whose text is still the one that was claimed is complete when no chunk lacks a vector, and otherwise next in line; one that
-- changed meanwhile was queued by whoever changed it. Answers how many are complete.
create or replace function search.finish(p_model text, p_notes json) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_completed bigint;
begin
  with ended as (
    update search.notes as note
      set embedding_status = case when lacking.is_lacking then 'pending' else 'completed' end,
          embedding_attempts = 0, embedding_error = null, due_at = now()
      from json_to_recordset(p_notes) as claimed (workspace_id uuid, note_id uuid, content_sha256 text)
      cross join lateral (
        select exists (
          select from search.chunks as chunk
            where chunk.workspace_id = claimed.workspace_id and chunk.note_id = claimed.note_id and chunk.chunk_index >= 0
              and chunk.words_count > 0
              and not exists (
                select from search.embeddings as embedding
                  where embedding.workspace_id = chunk.workspace_id and embedding.model = p_model and embedding.text_hash = chunk.text_hash)
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
drop function search.lock_workspace;
