-- The answer to a question: what words and vectors found, brought together.

set local role noted_search;

-- The best notes for a question: their best parts, as words and vectors found them; how many notes the thresholds held back; and what the question
-- leaves out in vain, because notes have it as an option of a command.
create function search.find(
  p_workspace_id uuid, p_mode text, p_question jsonb, p_models text[], p_embeddings text[], p_weights double precision[],
  p_thresholds double precision[], p_filter jsonb, p_limit integer
) returns json
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_candidates constant integer := 50;
  v_asked constant search.asked := search.asked(p_workspace_id, p_question, p_filter);
  v_notes constant uuid[] := search.few_notes(p_workspace_id, (v_asked).filter, 1000);
  v_answer json;
begin
  with words as (
    select hit.note_id, hit.chunk_index, hit.score, row_number() over (order by hit.score desc, hit.note_id) as rank,
        search.scaled(hit.score, min(hit.score) over (), max(hit.score) over ()) as vote
      from search.word_hits(p_workspace_id, v_asked, v_notes, c_candidates) as hit
      where p_mode <> 'vector'
  ), vectors as (
    select hit.note_id, hit.chunk_index, hit.score as similarity, model.model, hit.score >= model.threshold as is_near,
        row_number() over (partition by model.model order by hit.score desc, hit.note_id) as rank,
        model.weight * search.scaled(
          hit.score, min(hit.score) over (partition by model.model), max(hit.score) over (partition by model.model)) as vote
      from unnest(p_models, p_embeddings, p_weights, p_thresholds) as model (model, embedding, weight, threshold)
      cross join lateral search.vector_hits(
        p_workspace_id, model.model, model.embedding::halfvec, (v_asked).filter, v_notes, c_candidates) as hit
  ), nearest as (
    -- While a model replaces another, a note may have vectors of both.
    select distinct on (vectors.note_id) vectors.* from vectors order by vectors.note_id, vectors.vote desc
  ), joined as (
    select coalesce(words.note_id, nearest.note_id) as note_id,
        coalesce(words.vote, 0) + coalesce(nearest.vote, 0) as score,
        case when words.note_id is null or (words.chunk_index < 0 and nearest.note_id is not null) or nearest.vote > words.vote
          then nearest.chunk_index else words.chunk_index end as chunk_index,
        words.rank as words_rank, words.score as words_score, nearest.rank as vector_rank, nearest.similarity, nearest.model,
        words.note_id is not null or nearest.is_near as is_answer
      from words full join nearest on nearest.note_id = words.note_id
  ), fused as (
    select joined.* from joined where joined.is_answer order by joined.score desc, joined.note_id limit p_limit
  ), shown as (
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
      'model', fused.model) order by fused.score desc, fused.note_id) as results
    from fused
    join noted.notes as note on note.workspace_id = p_workspace_id and note.id = fused.note_id
    -- A title that matched shows the beginning of its note.
    join lateral (
      select chunk.* from search.chunks as chunk
        where chunk.workspace_id = p_workspace_id and chunk.note_id = fused.note_id
          and chunk.chunk_index >= greatest(fused.chunk_index, 0)
        order by chunk.chunk_index limit 1
    ) as chunk on true
  )
  select json_build_object(
      'results', coalesce(shown.results, '[]'),
      'held_back', (select count(*) from joined where not joined.is_answer),
      'options', (v_asked).options)
    into v_answer from shown;
  return v_answer;
end $$;

-- What is asked for, by what the notes of the workspace have.
create function search.asked(p_workspace_id uuid, p_question jsonb, p_filter jsonb) returns search.asked
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_number constant integer := (select known.number from search.workspaces as known where known.workspace_id = p_workspace_id);
  v_asked search.asked;
  v_filter search.filter;
  v_excluded text[] := '{}';
  v_part record;
begin
  v_asked.terms := array(select jsonb_array_elements_text(p_question -> 'terms'));
  v_asked.candidates := array(select jsonb_array_elements_text(p_question -> 'candidates'));
  v_asked.options := '{}';
  for v_part in
    select part.* from jsonb_to_recordset(p_question -> 'excluded') as part (said text, query text, option jsonb)
  loop
    perform from search.chunks as chunk
      where chunk.workspace_id = p_workspace_id and chunk.words @@ search.scoped(v_number, v_part.option ->> 'query')::tsquery limit 1;
    if found then
      v_asked.options := v_asked.options || v_part.said;
      v_asked.terms := v_asked.terms || array(
        select term from jsonb_array_elements_text(v_part.option -> 'terms') as term where term <> all (v_asked.terms));
      v_asked.candidates := v_asked.candidates || array(
        select term from jsonb_array_elements_text(v_part.option -> 'terms') as term where term <> all (v_asked.candidates));
    else
      v_excluded := v_excluded || format('(%s)', v_part.query);
    end if;
  end loop;

  v_filter := jsonb_populate_record(null::search.filter, p_filter);
  v_filter.required := (
    select array_agg(search.scoped(v_number, part ->> 'query')::tsquery) from jsonb_array_elements(p_question -> 'required') as part);
  v_filter.excluded := search.scoped(v_number, nullif(array_to_string(v_excluded, ' | '), ''))::tsquery;
  if p_filter is not null or v_filter.required is not null or v_filter.excluded is not null then
    v_asked.filter := v_filter;
  end if;
  return v_asked;
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
  v_first constant tsquery := (p_filter).required[1];
  v_notes uuid[];
begin
  if p_filter is null then
    return null;
  elsif v_first is null then
    v_notes := array(select note.id from noted.notes as note
      where note.workspace_id = p_workspace_id and note.deleted_at is null and search.passes(note, p_filter)
        and search.says(p_workspace_id, note.id, p_filter)
      limit p_limit + 1);
  else
    v_notes := array(select note.id from noted.notes as note
      where note.workspace_id = p_workspace_id and note.deleted_at is null and search.passes(note, p_filter)
        and note.id in (
          select chunk.note_id from search.chunks as chunk where chunk.workspace_id = p_workspace_id and chunk.words @@ v_first)
        and search.says(p_workspace_id, note.id, p_filter)
      limit p_limit + 1);
  end if;
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

-- Whether a note has the words that a filter requires, anywhere in its text, title and path, and has nowhere what it excludes.
create function search.says(p_workspace_id uuid, p_note_id uuid, p_filter search.filter) returns boolean
language sql stable
return ((p_filter).required is null or not exists (
    select from unnest((p_filter).required) as required (query)
      where not exists (
        select from search.chunks as chunk
          where chunk.workspace_id = p_workspace_id and chunk.note_id = p_note_id and chunk.words @@ required.query)))
  and ((p_filter).excluded is null or not exists (
    select from search.chunks as chunk
      where chunk.workspace_id = p_workspace_id and chunk.note_id = p_note_id and chunk.words @@ (p_filter).excluded));

grant execute on function search.find, search.asked, search.scaled, search.few_notes, search.passes, search.says to noted_api;
