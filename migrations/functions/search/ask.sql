-- The answer to a question: what words and vectors found, brought together.

set local role noted_search;

-- The best notes for a question: their best parts, as words and vectors found them.
create function search.find(
  p_workspace_id uuid, p_terms text[], p_candidates text[], p_must text, p_models text[], p_embeddings text[], p_weights double precision[],
  p_threshold double precision, p_filter search.filter, p_limit integer
) returns json
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_candidates constant integer := 50;
  v_notes constant uuid[] := search.few_notes(p_workspace_id, p_filter, 1000);
  v_answer json;
begin
  with words as (
    select hit.note_id, hit.chunk_index, hit.score, row_number() over (order by hit.score desc, hit.note_id) as rank,
        search.scaled(hit.score, min(hit.score) over (), max(hit.score) over ()) as vote
      from search.word_hits(p_workspace_id, p_terms, p_candidates, p_must, p_filter, v_notes, c_candidates) as hit
  ), vectors as (
    select hit.note_id, hit.chunk_index, hit.score as similarity, model.model,
        row_number() over (partition by model.model order by hit.score desc, hit.note_id) as rank,
        model.weight * search.scaled(
          hit.score, min(hit.score) over (partition by model.model), max(hit.score) over (partition by model.model)) as vote
      from unnest(p_models, p_embeddings, p_weights) as model (model, embedding, weight)
      cross join lateral search.vector_hits(p_workspace_id, model.model, model.embedding::halfvec, p_filter, v_notes, c_candidates) as hit
      where p_must is null or hit.note_id in (select words.note_id from words)
  ), nearest as (
    -- While a model replaces another, a note may have vectors of both.
    select distinct on (vectors.note_id) vectors.* from vectors order by vectors.note_id, vectors.vote desc
  ), fused as (
    select coalesce(words.note_id, nearest.note_id) as note_id,
        coalesce(words.vote, 0) + coalesce(nearest.vote, 0) as score,
        case when words.note_id is null or (words.chunk_index < 0 and nearest.note_id is not null) or nearest.vote > words.vote
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

-- Where a score lies between the least and the greatest of its kind: 0 to 1. Where all are the same each is the greatest, unless it says that
-- nothing was found.
create function search.scaled(p_score double precision, p_least double precision, p_greatest double precision) returns double precision
language sql immutable parallel safe
return coalesce((p_score - p_least) / nullif(p_greatest - p_least, 0), case when p_greatest > 0 then 1 else 0 end);

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

-- Whether a note may answer.
create function search.passes(p_note noted.notes, p_filter search.filter) returns boolean
language sql stable
return (p_note).deleted_at is null
  and ((p_filter).folder_id is null or (p_note).folder_id = (p_filter).folder_id)
  and ((p_filter).note_type is null or (p_note).note_type = (p_filter).note_type)
  and ((p_filter).path is null or (p_note).ide_file_path = (p_filter).path)
  and ((p_filter).path_prefix is null or starts_with((p_note).ide_file_path, (p_filter).path_prefix))
  and ((p_filter).synced_from_ide is null or (p_note).synced_from_ide = (p_filter).synced_from_ide)
  and ((p_filter).created_since is null or (p_note).created_at >= (p_filter).created_since)
  and ((p_filter).created_before is null or (p_note).created_at < (p_filter).created_before)
  and ((p_filter).updated_since is null or (p_note).updated_at >= (p_filter).updated_since)
  and ((p_filter).updated_before is null or (p_note).updated_at < (p_filter).updated_before)
  and ((p_filter).author_email is null or lower((p_note).file_metadata ->> 'author_email') = lower((p_filter).author_email))
  and ((p_filter).file_modified_since is null or sync.file_modified(p_note) >= (p_filter).file_modified_since)
  and ((p_filter).file_modified_before is null or sync.file_modified(p_note) < (p_filter).file_modified_before)
  and ((p_filter).tags is null or (p_note).source_metadata -> 'tags' ?& (p_filter).tags or (p_note).file_metadata -> 'tags' ?& (p_filter).tags);

grant execute on function search.find, search.scaled, search.few_notes, search.passes to noted_api;
