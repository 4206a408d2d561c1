-- How a question finds chunks: by words, by vectors, and by both.
--
-- These functions run as `noted_search`, which sees every workspace: each names its own in every condition.

-- The caller of a second statement of one request: what was counted is not counted again.
create function auth.enter_again(p_key_hash bytea, p_workspace_id uuid, p_scopes text[]) returns auth.caller
language plpgsql volatile as $$
declare
  caller auth.caller;
  v_scopes text[];
begin
  perform set_config('noted.key_hash', encode(p_key_hash, 'hex'), true);
  select 'entered', key.workspace_id, key.user_id, key.id, key.kind, key.scopes
    into caller.outcome, caller.workspace_id, caller.user_id, caller.key_id, caller.kind, v_scopes
    from noted.user_api_keys as key
    where key.key_hash = p_key_hash and key.revoked_at is null and key.expires_at > now();
  if not found then
    caller.outcome := 'unauthorized';
  elsif p_workspace_id <> caller.workspace_id then
    caller.outcome := 'wrong_workspace';
  elsif not p_scopes <@ v_scopes then
    caller.outcome := 'missing_scope';
    caller.detail := p_scopes[1];
  end if;
  perform set_config('noted.workspace_id', caller.workspace_id::text, true);
  return caller;
end $$;
grant execute on function auth.enter_again to noted_api;

-- Which notes may answer. Null conditions do not apply.
create type search.filter as (
  folder_id uuid,
  note_type text,
  path_prefix text,
  synced_from_ide boolean,
  created_since timestamptz,
  created_before timestamptz,
  updated_since timestamptz,
  updated_before timestamptz,
  tags text[]
);

-- A chunk that answers.
create type search.hit as (
  note_id uuid,
  chunk_index integer,
  score double precision
);

-- Whether a note may answer.
create function search.passes(p_note noted.notes, p_filter search.filter) returns boolean
language sql stable
return (p_note).deleted_at is null
  and ((p_filter).folder_id is null or (p_note).folder_id = (p_filter).folder_id)
  and ((p_filter).note_type is null or (p_note).note_type = (p_filter).note_type)
  and ((p_filter).path_prefix is null or starts_with((p_note).ide_file_path, (p_filter).path_prefix))
  and ((p_filter).synced_from_ide is null or (p_note).synced_from_ide = (p_filter).synced_from_ide)
  and ((p_filter).created_since is null or (p_note).created_at >= (p_filter).created_since)
  and ((p_filter).created_before is null or (p_note).created_at < (p_filter).created_before)
  and ((p_filter).updated_since is null or (p_note).updated_at >= (p_filter).updated_since)
  and ((p_filter).updated_before is null or (p_note).updated_at < (p_filter).updated_before)
  and ((p_filter).tags is null or (p_note).source_metadata -> 'tags' ?& (p_filter).tags or (p_note).file_metadata -> 'tags' ?& (p_filter).tags);

-- The notes that pass a filter, if they are few; null when they are more than `p_limit`, or when the filter asks for nothing.
create function search.few_notes(p_workspace_id uuid, p_filter search.filter, p_limit integer) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_notes uuid[];
begin
  if p_filter is null then
    return null;
  end if;
  v_notes := array(select note.id from noted.notes as note
    where note.workspace_id = p_workspace_id and note.deleted_at is null and search.passes(note, p_filter) limit p_limit + 1);
  return case when cardinality(v_notes) <= p_limit then v_notes end;
end $$;

-- The best chunks by their words, at most one of each note, ranked as BM25 does: rare words count more, long chunks less. A note's title or path adds to
-- its best chunk.
--
-- One of `p_candidates` has to match, and all of `p_terms` rank. Only so many chunks are ranked: those with the rarest words of the question, because what holds only its common words
-- cannot come far. `p_must` is what has to hold besides; where that can be looked up, it alone says which chunks are ranked.
create function search.word_hits(
  p_workspace_id uuid, p_terms text[], p_candidates text[], p_must text, p_filter search.filter, p_notes uuid[], p_limit integer
) returns setof search.hit
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  -- Common values of both constants of BM25: how soon a repeated word stops counting, and how much a long chunk loses.
  c_saturation constant double precision := 1.5;
  c_length constant double precision := 0.75;
  -- In how many chunks a word may be, all rarer ones of the question counted, and still choose what is ranked; more where a filter lets few pass.
  v_chosen_max double precision := 500;
  c_ranked_max constant integer := 3000;
  v_workspace search.workspaces;
  v_terms text[];
  v_counts integer[];
  v_rarity double precision[];
  v_chosen text[];
  v_must tsquery;
  v_query tsquery;
  v_average double precision;
begin
  select workspace.* into v_workspace from search.workspaces as workspace where workspace.workspace_id = p_workspace_id;
  if v_workspace.chunks is null or v_workspace.chunks = 0 or cardinality(p_terms) = 0 then
    return;
  end if;
  v_terms := array(select v_workspace.number || ':' || term.term from unnest(p_terms) with ordinality as term (term, place) order by term.place);
  v_must := search.scoped(v_workspace.number, p_must)::tsquery;
  v_average := greatest(v_workspace.words, 1)::double precision / v_workspace.chunks;
  if p_notes is not null then
    v_chosen_max := v_chosen_max * v_workspace.chunks / greatest(cardinality(p_notes), 1);
  end if;

  with counted as (
    select term.term, term.place, coalesce(lexeme.chunks, 0) as chunks
      from unnest(v_terms) with ordinality as term (term, place)
      left join search.lexemes as lexeme on lexeme.workspace_id = p_workspace_id and lexeme.lexeme = term.term
  ), summed as (
    select counted.*, sum(counted.chunks) over (order by counted.chunks, counted.place rows unbounded preceding) - counted.chunks as rarer
      from counted where p_terms[counted.place] = any (p_candidates)
  )
  select
      (select array_agg(counted.chunks order by counted.place) from counted),
      (select array_agg(summed.term order by summed.chunks) from summed
        where summed.rarer < v_chosen_max and (summed.rarer = 0 or summed.chunks < c_ranked_max or p_notes is not null))
    into v_counts, v_chosen;
  v_rarity := array(
    select ln(1 + (v_workspace.chunks - least(counted.chunks, v_workspace.chunks) + 0.5) / (counted.chunks + 0.5))
      from unnest(v_counts) with ordinality as counted (chunks, place) order by counted.place);
  v_query := array_to_string(array(select quote_literal(term) from unnest(v_chosen) as term), ' | ')::tsquery;
  if v_must is not null then
    v_query := case when querytree(v_must) in ('T', '') then v_query && v_must else v_must end;
  end if;

  return query
    with ranked as materialized (
      select chunk.note_id, chunk.chunk_index, chunk.words_count, chunk.words
        from search.chunks as chunk
        where chunk.workspace_id = p_workspace_id and chunk.words @@ v_query
          and (p_notes is null or chunk.note_id = any (p_notes))
          and (p_filter is null or p_notes is not null or exists (
            select from noted.notes as note
              where note.workspace_id = p_workspace_id and note.id = chunk.note_id and search.passes(note, p_filter)))
        limit c_ranked_max
    ), scored as (
      select ranked.note_id, ranked.chunk_index, (
          select sum(v_rarity[array_position(v_terms, word.lexeme)]
              * cardinality(word.positions) * (c_saturation + 1)
              / (cardinality(word.positions) + c_saturation * (1 - c_length + c_length * ranked.words_count / v_average)))
            from unnest(ts_filter(setweight(ranked.words, 'A', v_terms), '{a}')) as word
        ) as score
        from ranked
    ), named as (
      -- A note is found by its title or by its path; what both say counts once.
      select scored.note_id, max(scored.score) as score from scored where scored.chunk_index < 0 group by scored.note_id
    ), best as (
      select distinct on (scored.note_id) scored.note_id, scored.chunk_index,
          case when scored.chunk_index < 0 then named.score else scored.score + coalesce(named.score, 0) end as score
        from scored left join named on named.note_id = scored.note_id
        order by scored.note_id, scored.chunk_index < 0, scored.score desc
    )
    select best.note_id, best.chunk_index, best.score from best where best.score > 0 order by best.score desc, best.note_id limit p_limit;
end $$;

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

-- As `search.exact_hits_of`, of all notes of a workspace.
create function search.exact_hits(p_workspace_id uuid, p_model text, p_embedding halfvec, p_limit integer) returns setof search.hit
language sql stable security definer set search_path = pg_catalog, public, pg_temp
begin atomic
  with compared as materialized (
    select embedding.text_hash, embedding.embedding <=> p_embedding as distance
      from search.embeddings as embedding where embedding.workspace_id = p_workspace_id and embedding.model = p_model
  ), near as (
    -- Enough for as many notes as are wanted, where the best chunks crowd in few of them.
    select compared.text_hash, compared.distance from compared order by compared.distance limit 8 * p_limit
  ), best as (
    select distinct on (chunk.note_id) chunk.note_id, chunk.chunk_index, near.distance
      from near join search.chunks as chunk on chunk.workspace_id = p_workspace_id and chunk.text_hash = near.text_hash
      order by chunk.note_id, near.distance
  )
  select best.note_id, best.chunk_index, 1 - best.distance from best order by best.distance, best.note_id limit p_limit;
end;

-- Finds vectors fast where there are many; small workspaces are compared in full, and PostgreSQL then does not look at it.
create index embeddings_near on search.embeddings using hnsw (embedding halfvec_cosine_ops);

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
            where chunk.workspace_id = p_workspace_id and chunk.text_hash = embedding.text_hash and search.passes(note, p_filter)))
      order by embedding.embedding <=> p_embedding
      limit 4 * p_limit
  ), found as (
    select distinct on (chunk.note_id) chunk.note_id, chunk.chunk_index, near.distance
      from near
      join search.chunks as chunk on chunk.workspace_id = p_workspace_id and chunk.text_hash = near.text_hash
      where p_filter is null or exists (
        select from noted.notes as note
          where note.workspace_id = p_workspace_id and note.id = chunk.note_id and search.passes(note, p_filter))
      order by chunk.note_id, near.distance
  )
  select found.note_id, found.chunk_index, 1 - found.distance from found order by found.distance, found.note_id limit p_limit;
end;

-- The best chunks by their vectors, in whichever way is exact as long as that is fast.
create function search.vector_hits(
  p_workspace_id uuid, p_model text, p_embedding halfvec, p_filter search.filter, p_notes uuid[], p_limit integer
) returns setof search.hit
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  -- Where comparing every vector takes as long as the index; see docs/search.md.
  c_exact_max constant bigint := 20000;
begin
  if p_notes is not null then
    return query select * from search.exact_hits_of(p_workspace_id, p_model, p_embedding, p_notes, p_limit);
  elsif p_filter is null
    and (select workspace.chunks from search.workspaces as workspace where workspace.workspace_id = p_workspace_id) <= c_exact_max
  then
    return query select * from search.exact_hits(p_workspace_id, p_model, p_embedding, p_limit);
  else
    return query select * from search.near_hits(p_workspace_id, p_model, p_embedding, p_filter, p_limit);
  end if;
end $$;

-- The answer to a question: the best notes by reciprocal rank fusion, each with its best chunk and why it is there, as a JSON array. Without
-- terms only vectors are asked, without models only words. A vector below `p_threshold` counts only where the words matched too.
create function search.find(
  p_workspace_id uuid, p_terms text[], p_candidates text[], p_must text, p_models text[], p_embeddings text[], p_weights double precision[],
  p_threshold double precision, p_filter search.filter, p_limit integer
) returns json
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  -- Ranks this far apart still count about the same; the usual value.
  c_smoothing constant double precision := 60;
  c_candidates constant integer := 50;
  v_notes constant uuid[] := search.few_notes(p_workspace_id, p_filter, 1000);
  v_answer json;
begin
  with words as (
    select hit.note_id, hit.chunk_index, hit.score, row_number() over (order by hit.score desc, hit.note_id) as rank
      from search.word_hits(p_workspace_id, p_terms, p_candidates, p_must, p_filter, v_notes, c_candidates) as hit
  ), vectors as (
    select hit.note_id, hit.chunk_index, hit.score as similarity, model.model, model.weight,
        row_number() over (partition by model.model order by hit.score desc, hit.note_id) as rank
      from unnest(p_models, p_embeddings, p_weights) as model (model, embedding, weight)
      cross join lateral search.vector_hits(p_workspace_id, model.model, model.embedding::halfvec, p_filter, v_notes, c_candidates) as hit
      where p_must is null or hit.note_id in (select words.note_id from words)
  ), nearest as (
    -- While a model replaces another, a note may have vectors of both.
    select distinct on (vectors.note_id) vectors.* from vectors order by vectors.note_id, vectors.weight / (c_smoothing + vectors.rank) desc
  ), fused as (
    select coalesce(words.note_id, nearest.note_id) as note_id,
        coalesce(1 / (c_smoothing + words.rank), 0) + coalesce(nearest.weight / (c_smoothing + nearest.rank), 0) as score,
        case when words.note_id is null or (words.chunk_index < 0 and nearest.note_id is not null)
            or nearest.weight / (c_smoothing + nearest.rank) > 1 / (c_smoothing + words.rank)
          then nearest.chunk_index else words.chunk_index end as chunk_index,
        words.rank as words_rank, words.score as words_score, nearest.rank as vector_rank, nearest.similarity, nearest.model
      from words full join nearest on nearest.note_id = words.note_id
      where words.note_id is not null or nearest.similarity >= p_threshold
      order by score desc, note_id
      limit p_limit
  )
  select json_agg(json_build_object(
      'note_id', note.id,
      'title', note.title,
      'content', search.slice(convert_to(note.content, 'UTF8'), chunk.byte_start, chunk.byte_end),
      'similarity', fused.similarity,
      'ide_file_path', note.ide_file_path,
      'note_type', note.note_type,
      'version', note.version,
      'created_at', sync.instant(note.created_at),
      'updated_at', sync.instant(note.updated_at),
      'chunk_index', chunk.chunk_index,
      'heading_path', chunk.heading_path,
      'byte_start', chunk.byte_start,
      'byte_end', chunk.byte_end,
      'score', fused.score,
      'words_rank', fused.words_rank,
      'words_score', fused.words_score,
      'vector_rank', fused.vector_rank,
      'model', fused.model) order by fused.score desc, fused.note_id)
    into v_answer
    from fused
    join noted.notes as note on note.workspace_id = p_workspace_id and note.id = fused.note_id
    -- A title that matched shows the beginning of its note.
    join lateral (
      select chunk.* from search.chunks as chunk
        where chunk.workspace_id = p_workspace_id and chunk.note_id = fused.note_id
          and chunk.chunk_index >= greatest(fused.chunk_index, 0)
        order by chunk.chunk_index limit 1
    ) as chunk on true;
  return coalesce(v_answer, '[]');
end $$;

-- How many notes wait for their vectors, as far as anybody wants to know.
create function search.pending_count(p_workspace_id uuid) returns bigint
language sql stable
return (select count(*) from (
  select from search.notes as note
    where note.workspace_id = p_workspace_id and note.embedding_status in ('pending', 'in_progress') limit 10000) as pending);

-- What an answer is made of: another change of a note, or another vector, makes another answer.
create function search.state(p_workspace_id uuid) returns text
language sql stable
return (
  select workspace.seq || '.' || coalesce(known.generation, 0)
    from noted.workspaces as workspace left join search.workspaces as known on known.workspace_id = workspace.id
    where workspace.id = p_workspace_id);

grant usage on schema sync, auth to noted_search;
grant execute on function sync.instant to noted_search;
do $$
declare
  v_function regprocedure;
begin
  -- They read by indexes that a policy would hide; see the beginning.
  for v_function in
    select oid::regprocedure from pg_proc
      where pronamespace = 'search'::regnamespace and proname in ('few_notes', 'word_hits', 'exact_hits_of', 'exact_hits', 'near_hits', 'vector_hits', 'find')
  loop
    execute format('revoke execute on function %s from public', v_function);
    execute format('grant execute on function %s to noted_api, noted_search', v_function);
    execute format('alter function %s owner to noted_search', v_function);
  end loop;
end $$;
grant execute on function search.passes, search.pending_count, search.state to noted_api, noted_search;
