-- What the way that a search takes finds of the ten nearest notes, where all, about a tenth, a hundredth and a thousandth of the notes pass a filter.
with asked as (
  select (array(select (part + (random() - 0.5) * 0.5)::real from unnest(embedding.embedding::vector::real[]) as part))::vector(1024)::halfvec(1024) as question
    from search.embeddings as embedding where embedding.workspace_id = $1 order by embedding.text_hash limit 20
), filters (selectivity, prefix) as (
  values (1.0, null), (0.111, 'part1'), (0.011, 'part12'), (0.001, 'part123/')
), filtered as (
  select filters.selectivity, filters.prefix,
      case when filters.prefix is not null then jsonb_populate_record(null::search.filter, jsonb_build_object('path_prefix', filters.prefix)) end as filter
    from filters
)
select filtered.selectivity::double precision, avg(found.share)::double precision
  from filtered, asked, lateral (
    with nearest as (
      select note_id from (
        select chunk.note_id, min(embedding.embedding <=> asked.question) as distance
          from search.chunks as chunk
          join search.embeddings as embedding
            on embedding.workspace_id = $1 and embedding.model = $2 and embedding.text_hash = chunk.text_hash
          join noted.notes as note on note.workspace_id = $1 and note.id = chunk.note_id
          where chunk.workspace_id = $1 and (filtered.prefix is null or starts_with(note.ide_file_path, filtered.prefix))
          group by chunk.note_id
      ) as compared order by distance, note_id limit 10
    )
    select (
        select count(*) from (
          select hit.note_id from search.vector_hits(
            $1, $2, asked.question, filtered.filter, search.few_notes($1, filtered.filter, 1000), 50) as hit
            order by hit.score desc, hit.note_id limit 10
        ) as hit where hit.note_id in (select nearest.note_id from nearest)
      )::double precision / greatest((select count(*) from nearest), 1) as share
  ) as found
  group by filtered.selectivity order by filtered.selectivity desc
