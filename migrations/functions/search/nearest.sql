-- The best chunks by their vectors.

set local role noted_search;

-- Loads the extension: before that its settings, which `near_hits` has, are known to nobody.
select '[0]'::public.vector;

-- The best chunks by their vectors, in whichever way is exact as long as that is fast.
create function search.vector_hits(
  p_workspace_id uuid, p_model text, p_embedding halfvec, p_filter search.filter, p_notes uuid[], p_limit integer
) returns setof search.hit
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  -- Where comparing every vector takes as long as the index; see docs/search.md.
  c_exact_max constant bigint := 20000;
  v_hits search.hit[];
begin
  if p_notes is not null then
    return query select * from search.exact_hits_of(p_workspace_id, p_model, p_embedding, p_notes, p_limit);
    return;
  end if;
  if (select workspace.chunks from search.workspaces as workspace where workspace.workspace_id = p_workspace_id) > c_exact_max then
    v_hits := array(select hit from search.near_hits(p_workspace_id, p_model, p_embedding, p_filter, p_limit) as hit);
  end if;
  -- The index is everybody's, and is read on only so far. Where others crowd around the question, or where a filter lets little pass, that may be too
  -- little.
  if coalesce(cardinality(v_hits), 0) < p_limit then
    v_hits := array(select hit from search.exact_hits(p_workspace_id, p_model, p_embedding, p_filter, p_limit) as hit);
  end if;
  return query select hit.* from unnest(v_hits) as hit;
end $$;

-- As `search.exact_hits_of`, of all notes of a workspace that pass a filter.
create function search.exact_hits(
  p_workspace_id uuid, p_model text, p_embedding halfvec, p_filter search.filter, p_limit integer
) returns setof search.hit
language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
  with compared as materialized (
    select embedding.text_hash, embedding.embedding <=> p_embedding as distance
      from search.embeddings as embedding where embedding.workspace_id = p_workspace_id and embedding.model = p_model
  ), ordered as materialized (
    -- Enough for as many notes as are wanted, where the best chunks crowd in few of them; of what a filter lets pass that is seen only below.
    select compared.text_hash, compared.distance from compared order by compared.distance
      limit case when p_filter is null then 8 * p_limit end
  ), near as (
    select ordered.distance, own.note_id, own.chunk_index
      from ordered join lateral (
        select chunk.note_id, chunk.chunk_index from search.chunks as chunk
          where chunk.workspace_id = p_workspace_id and chunk.text_hash = ordered.text_hash
            and (p_filter is null or exists (
              select from noted.notes as note
                where note.workspace_id = p_workspace_id and note.id = chunk.note_id and search.passes(note, p_filter)
                  and search.says(p_workspace_id, chunk.note_id, p_filter)))
      ) as own on true
      limit 8 * p_limit
  ), best as (
    select distinct on (near.note_id) near.note_id, near.chunk_index, near.distance from near order by near.note_id, near.distance
  )
  select best.note_id, best.chunk_index, 1 - best.distance from best order by best.distance, best.note_id limit p_limit;
end;

-- The best chunks of some notes by their vectors, at most one of each note; the score is the cosine similarity. Every vector is compared.
create function search.exact_hits_of(
  p_workspace_id uuid, p_model text, p_embedding halfvec, p_notes uuid[], p_limit integer
) returns setof search.hit
language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
  with near as materialized (
    select chunk.note_id, chunk.chunk_index, embedding.embedding <=> p_embedding as distance
      from search.chunks as chunk
      join search.embeddings as embedding
        on embedding.workspace_id = p_workspace_id and embedding.model = p_model and embedding.text_hash = chunk.text_hash
      where chunk.workspace_id = p_workspace_id and chunk.note_id = any (p_notes)
  ), best as (
    select distinct on (near.note_id) near.note_id, near.chunk_index, near.distance from near order by near.note_id, near.distance
  )
  select best.note_id, best.chunk_index, 1 - best.distance from best order by best.distance, best.note_id limit p_limit;
end;

-- As `search.exact_hits`, by the index and with a filter: a few may be missed. The index knows neither workspace nor filter, so it is read on until enough have
-- passed both.
create function search.near_hits(
  p_workspace_id uuid, p_model text, p_embedding halfvec, p_filter search.filter, p_limit integer
) returns setof search.hit
language sql stable security definer set search_path = pg_catalog, public, pg_temp
set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 200 set hnsw.max_scan_tuples = 60000
begin atomic
  with near as materialized (
    select embedding.text_hash, embedding.embedding <=> p_embedding as distance
      from search.embeddings as embedding
      where embedding.workspace_id = p_workspace_id and embedding.model = p_model
        and (p_filter is null or exists (
          select from search.chunks as chunk
            join noted.notes as note on note.workspace_id = p_workspace_id and note.id = chunk.note_id
            where chunk.workspace_id = p_workspace_id and chunk.text_hash = embedding.text_hash and search.passes(note, p_filter)
              and search.says(p_workspace_id, note.id, p_filter)))
      order by embedding.embedding <=> p_embedding
      limit 4 * p_limit
  ), found as (
    select distinct on (chunk.note_id) chunk.note_id, chunk.chunk_index, near.distance
      from near
      join search.chunks as chunk on chunk.workspace_id = p_workspace_id and chunk.text_hash = near.text_hash
      where p_filter is null or exists (
        select from noted.notes as note
          where note.workspace_id = p_workspace_id and note.id = chunk.note_id and search.passes(note, p_filter)
            and search.says(p_workspace_id, note.id, p_filter))
      order by chunk.note_id, near.distance
  )
  select found.note_id, found.chunk_index, 1 - found.distance from found order by found.distance, found.note_id limit p_limit;
end;

-- The title of a live note that says what a text says: to each of the text's vectors one of the note's is near. Null if there is none.
create function search.similar_note(p_workspace_id uuid, p_model text, p_embeddings text[], p_except uuid) returns text
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_similarity_min constant double precision := 0.95;
  c_candidates constant integer := 50;
  v_embeddings constant halfvec[] := p_embeddings::halfvec[];
  v_title text;
begin
  -- What is near to all of them is near to the first: so all notes are searched once, and few are looked at more closely.
  select note.title into v_title
    from search.vector_hits(p_workspace_id, p_model, v_embeddings[1], null::search.filter, null::uuid[], c_candidates) as near
    join noted.notes as note on note.workspace_id = p_workspace_id and note.id = near.note_id and note.deleted_at is null
    where near.score > c_similarity_min and near.note_id is distinct from p_except
      and not exists (
        select from unnest(v_embeddings) as wanted (embedding)
          where not exists (
            select from search.chunks as chunk
              join search.embeddings as known
                on known.workspace_id = p_workspace_id and known.model = p_model and known.text_hash = chunk.text_hash
              where chunk.workspace_id = p_workspace_id and chunk.note_id = near.note_id
                and 1 - (known.embedding <=> wanted.embedding) > c_similarity_min))
    order by near.score desc, near.note_id limit 1;
  return v_title;
end $$;

grant execute on function search.vector_hits, search.exact_hits, search.exact_hits_of, search.near_hits, search.similar_note to noted_api;
