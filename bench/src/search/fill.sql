-- Notes of sixteen chunks with words of a vocabulary, the first ones often, and vectors in clusters: five hundred middles with noise around them.
insert into noted.notes (workspace_id, id, created_by_user_id, title, content, content_sha256, note_type, ide_file_path, ide_last_modified,
    version_vector, seq, last_sync_origin_id)
  select $1, noted.new_id(), $1, 'Note ' || number, text, encode(sha256(convert_to(text, 'UTF8')), 'hex'), 'ide_synced',
      'part' || number % 1000 || '/' || number || '.md', now(), '{"noted-bench": 1}', number, 'noted-bench'
    from generate_series(1, $2::bigint) as number, lateral (select repeat('word ', 400) || number || $4::integer || $5::text as text) as written
    where cardinality($3::text[]) > 0;
insert into search.notes (workspace_id, note_id, content_sha256, title, path, embedding_status)
  select note.workspace_id, note.id, note.content_sha256, note.title, note.ide_file_path, 'completed'
    from noted.notes as note where note.workspace_id = $1 and $2::bigint > 0 and cardinality($3::text[]) > 0 and $4::integer > 0 and $5::text <> '';
insert into search.chunks (workspace_id, note_id, chunk_index, heading_path, byte_start, byte_end, text_hash, words_count, words)
  select note.workspace_id, note.id, place, array['Heading'], 0, 1000, sha256(convert_to(note.id::text || place, 'UTF8')), 100, (
      select string_agg(distinct format('''%s:%s'':%s', $4::integer, ($3::text[])[1 + floor(cardinality($3::text[]) ^ random())], at), ' ')::tsvector
        from generate_series(1, 100) as at where at + place + note.seq > 0)
    from noted.notes as note, generate_series(1, 16) as place where note.workspace_id = $1 and $2::bigint > 0 and $5::text <> '';
insert into search.embeddings (workspace_id, model, text_hash, embedding)
  with middles as materialized (
    select cluster, array(select random() - 0.5 from generate_series(1, 1024) as place where place + cluster > 0) as middle
      from generate_series(0, 499) as cluster
  )
  select chunk.workspace_id, $5::text, chunk.text_hash, array(
      select value + (random() - 0.5) * 0.9 from unnest(middles.middle) with ordinality as part (value, place)
        where chunk.chunk_index > -5 order by place)::real[]::vector(1024)::halfvec(1024)
    from search.chunks as chunk join middles on middles.cluster = (get_byte(chunk.text_hash, 0) * 256 + get_byte(chunk.text_hash, 1)) % 500
    where chunk.workspace_id = $1 and $2::bigint > 0 and cardinality($3::text[]) > 0 and $4::integer > 0;
update noted.workspaces set seq = $2::bigint, live_notes = $2::bigint, synced_notes = $2::bigint, ai_processing = true
  where id = $1 and cardinality($3::text[]) > 0 and $4::integer > 0 and $5::text <> '';
update noted.user_api_keys set scopes = scopes || array['rag:query']
  where workspace_id = $1 and $2::bigint > 0 and cardinality($3::text[]) > 0 and $4::integer > 0 and $5::text <> '';
