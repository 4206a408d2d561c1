-- The best chunks by their words.

set local role noted_search;

-- The best chunks by their words, at most one of each note, ranked as BM25 does: rare words count more, long chunks less. A note's title or path adds to
-- its best chunk.
--
-- One of the candidates has to match, and all terms rank. Only so many chunks are ranked: those with the rarest words and the rarest pairs of words of the question, because what
-- holds one common word of it cannot come far. Where few notes have what is required, the chunks that have it are ranked.
create function search.word_hits(
  p_workspace_id uuid, p_asked search.asked, p_notes uuid[], p_limit integer
) returns setof search.hit
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  -- Common values of both constants of BM25: how soon a repeated word stops counting, and how much a long chunk loses.
  c_saturation constant double precision := 1.5;
  c_length constant double precision := 0.75;
  -- So many of the rarest words make pairs.
  c_paired_max constant integer := 16;
  -- As soon as so many chunks are expected, nothing more is chosen; more where a filter lets few pass. See docs/search.md.
  v_enough double precision := 200;
  -- Nor is a word or pair that more chunks have than this, or than that as long as fewer are expected than are wanted.
  c_common constant integer := 1000;
  c_very_common constant integer := 2500;
  -- Whatever was expected.
  c_ranked_max constant integer := 3000;
  c_filter constant search.filter := (p_asked).filter;
  v_workspace search.workspaces;
  v_terms text[];
  v_counts integer[];
  v_rarity double precision[];
  v_chosen text[];
  v_required tsquery;
  v_query tsquery;
  v_average double precision;
begin
  select workspace.* into v_workspace from search.workspaces as workspace where workspace.workspace_id = p_workspace_id;
  if v_workspace.chunks is null or v_workspace.chunks = 0 or cardinality((p_asked).terms) = 0 then
    return;
  end if;
  v_terms := array(select v_workspace.number || ':' || term.term from unnest((p_asked).terms) with ordinality as term (term, place) order by term.place);
  select tsquery(string_agg(format('(%s)', required.query), ' | ')) into v_required from unnest((c_filter).required) as required (query);
  v_average := greatest(v_workspace.words, 1)::double precision / v_workspace.chunks;
  if p_notes is not null then
    v_enough := v_enough * v_workspace.chunks / greatest(cardinality(p_notes), 1);
  end if;

  with counted as (
    select term.term, term.place, coalesce(ceil(lexeme.chunks / v_workspace.lexemes_part), 0)::integer as chunks
      from unnest(v_terms) with ordinality as term (term, place)
      left join search.lexemes as lexeme on lexeme.workspace_id = p_workspace_id and lexeme.side = v_workspace.lexemes_side
        and lexeme.lexeme = term.term
  ), candidate as (
    select quote_literal(counted.term) as query, counted.place, counted.chunks::double precision
      from counted where ((p_asked).terms)[counted.place] = any ((p_asked).candidates)
  ), paired as (
    -- What was never counted is new and rare, and chosen alone.
    select candidate.* from candidate where candidate.chunks > 0 order by candidate.chunks, candidate.place limit c_paired_max
  ), choice as (
    select candidate.query, candidate.chunks from candidate
    union all
    -- As many as if neither knew of the other.
    select one.query || ' & ' || other.query, one.chunks * other.chunks / v_workspace.chunks
      from paired as one join paired as other on one.place < other.place
  ), summed as (
    select choice.*, sum(choice.chunks) over (order by choice.chunks, choice.query rows unbounded preceding) - choice.chunks as rarer from choice
  )
  select
      (select array_agg(counted.chunks order by counted.place) from counted),
      (select array_agg(summed.query order by summed.chunks) from summed
        where summed.rarer < v_enough
          and (summed.rarer = 0 or p_notes is not null or summed.chunks < case when summed.rarer < p_limit then c_very_common else c_common end))
    into v_counts, v_chosen;
  v_rarity := array(
    select ln(1 + (v_workspace.chunks - least(counted.chunks, v_workspace.chunks) + 0.5) / (counted.chunks + 0.5))
      from unnest(v_counts) with ordinality as counted (chunks, place) order by counted.place);
  v_query := coalesce(array_to_string(v_chosen, ' | '), '')::tsquery;
  if v_required is not null then
    v_query := case when p_notes is null then v_query && v_required else v_required end;
  end if;

  return query
    with ranked as materialized (
      select chunk.note_id, chunk.chunk_index, chunk.words_count, ts_filter(setweight(chunk.words, 'A', v_terms), '{a}') as words
        from search.chunks as chunk
        where chunk.workspace_id = p_workspace_id and chunk.words @@ v_query
          and (p_notes is null or chunk.note_id = any (p_notes))
          and (c_filter is null or p_notes is not null or exists (
            select from noted.notes as note
              where note.workspace_id = p_workspace_id and note.id = chunk.note_id and search.passes(note, c_filter)
                and search.says(p_workspace_id, chunk.note_id, c_filter)))
        limit c_ranked_max
    ), scored as (
      select ranked.note_id, ranked.chunk_index, (
          select sum(v_rarity[array_position(v_terms, word.lexeme)]
              * cardinality(word.positions) * (c_saturation + 1)
              / (cardinality(word.positions) + c_saturation * (1 - c_length + c_length * ranked.words_count / v_average)))
            from unnest(ranked.words) as word
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

grant execute on function search.word_hits to noted_api;
