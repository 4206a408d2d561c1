-- Search follows every write, in the transaction of the write.

-- The row of a workspace, made when it is first needed.
create function search.workspace(p_workspace_id uuid) returns search.workspaces
language plpgsql volatile as $$
declare
  v_workspace search.workspaces;
begin
  select workspace.* into v_workspace from search.workspaces as workspace where workspace.workspace_id = p_workspace_id;
  if not found then
    insert into search.workspaces (workspace_id) values (p_workspace_id) on conflict (workspace_id) do nothing;
    select workspace.* into strict v_workspace from search.workspaces as workspace where workspace.workspace_id = p_workspace_id;
  end if;
  return v_workspace;
end $$;

-- Takes what search knows of a workspace, before any of its notes or chunks: whoever does so in this order never waits for one who waits for them.
create function search.lock_workspace(p_workspace_id uuid) returns void
language plpgsql volatile as $$
begin
  perform from search.workspaces as known where known.workspace_id = p_workspace_id for no key update;
end $$;

-- Makes search agree with a note that was just written, in the note's own transaction. `p_analysis` holds what the writer's component found: the
-- chunks of `texts` by their SHA-256, and the words of `names`, which are titles and paths. Where it lacks what is needed, because a text came
-- out of the database, the note is left to the worker: it is found again as soon as that has cut it. A stale note is found by what an earlier release made
-- of it until somebody has all that is needed to make it anew.
create function search.follow(p_workspace_id uuid, p_note_id uuid, p_analysis jsonb) returns void
language plpgsql volatile as $$
declare
  v_note record;
  v_known search.notes;
  v_text_changed boolean;
  v_is_stale boolean;
  v_title jsonb;
  v_path jsonb;
  v_chunks jsonb;
begin
  select note.title, note.ide_file_path, note.content_sha256, note.deleted_at into v_note
    from noted.notes as note where note.workspace_id = p_workspace_id and note.id = p_note_id;
  if v_note.deleted_at is not null then
    perform search.forget(p_workspace_id, p_note_id);
    return;
  end if;
  select known.* into v_known from search.notes as known where known.workspace_id = p_workspace_id and known.note_id = p_note_id;
  v_text_changed := v_known.content_sha256 is distinct from v_note.content_sha256;
  v_is_stale := coalesce(v_known.is_stale, false);
  if v_text_changed or v_is_stale then
    v_chunks := p_analysis -> 'texts' -> v_note.content_sha256;
  end if;
  if v_is_stale or v_known.title is distinct from v_note.title then
    v_title := p_analysis -> 'names' -> v_note.title;
  end if;
  if v_is_stale or v_known.path is distinct from v_note.ide_file_path then
    v_path := p_analysis -> 'names' -> v_note.ide_file_path;
  end if;
  if (v_text_changed and v_chunks is null) or (v_known.title is distinct from v_note.title and v_title is null)
    or (v_known.path is distinct from v_note.ide_file_path and v_note.ide_file_path is not null and v_path is null)
  then
    perform search.forget(p_workspace_id, p_note_id);
    insert into search.notes (workspace_id, note_id) values (p_workspace_id, p_note_id);
    return;
  end if;

  v_is_stale := v_is_stale and (v_chunks is null or v_title is null or (v_note.ide_file_path is not null and v_path is null));
  insert into search.notes as known (workspace_id, note_id, content_sha256, title, path, embedding_status)
    values (p_workspace_id, p_note_id, v_note.content_sha256, v_note.title, v_note.ide_file_path,
      case when (select workspace.ai_processing from noted.workspaces as workspace where workspace.id = p_workspace_id) then 'pending' end)
    on conflict (workspace_id, note_id) do update
      set content_sha256 = excluded.content_sha256, title = excluded.title, path = excluded.path, is_stale = v_is_stale,
          embedding_status = case when v_text_changed then excluded.embedding_status else known.embedding_status end,
          embedding_attempts = case when v_text_changed then 0 else known.embedding_attempts end,
          embedding_error = case when v_text_changed then null else known.embedding_error end,
          due_at = case when v_text_changed then now() else known.due_at end,
          queued_at = case when v_text_changed then now() else known.queued_at end;
  perform search.write_chunks(p_workspace_id, p_note_id, v_chunks, array[v_title, v_path], v_note.ide_file_path is null);
end $$;

-- Replaces the chunks of a note, and the words of its title and path, except for what is null. What is the same stays where it is.
create function search.write_chunks(p_workspace_id uuid, p_note_id uuid, p_chunks jsonb, p_names jsonb[], p_has_no_path boolean) returns void
language plpgsql volatile as $$
declare
  v_number constant integer := (search.workspace(p_workspace_id)).number;
  v_content bytea;
  v_before record;
  v_after record;
  v_gone bytea[];
begin
  select count(*) as chunks, coalesce(sum(chunk.words_count), 0) as words into v_before
    from search.chunks as chunk where chunk.workspace_id = p_workspace_id and chunk.note_id = p_note_id;
  if p_chunks is not null then
    select convert_to(note.content, 'UTF8') into v_content from noted.notes as note where note.workspace_id = p_workspace_id and note.id = p_note_id;
    v_gone := array(select chunk.text_hash from search.chunks as chunk
      where chunk.workspace_id = p_workspace_id and chunk.note_id = p_note_id and chunk.chunk_index >= 0);
    delete from search.chunks as chunk
      where chunk.workspace_id = p_workspace_id and chunk.note_id = p_note_id and chunk.chunk_index >= 0
        and chunk.chunk_index not in (select (cut.chunk ->> 'index')::integer from jsonb_array_elements(p_chunks) as cut (chunk));
    insert into search.chunks as chunk (
        workspace_id, note_id, chunk_index, heading_path, byte_start, byte_end, text_hash, words_count, words)
      select p_workspace_id, p_note_id, cut.index, cut.heading_path, cut.byte_start, cut.byte_end,
          sha256(convert_to(search.embedded_text(cut.heading_path, search.slice(v_content, cut.byte_start, cut.byte_end)), 'UTF8')),
          cut.words_count, search.scoped(v_number, cut.words)::tsvector
        from jsonb_to_recordset(p_chunks) as cut (
          index integer, heading_path text[], byte_start integer, byte_end integer, words_count integer, words text)
      on conflict (workspace_id, note_id, chunk_index) do update
        set heading_path = excluded.heading_path, byte_start = excluded.byte_start, byte_end = excluded.byte_end,
            text_hash = excluded.text_hash, words_count = excluded.words_count, words = excluded.words
        where (chunk.byte_start, chunk.byte_end, chunk.text_hash, chunk.words)
          is distinct from (excluded.byte_start, excluded.byte_end, excluded.text_hash, excluded.words);
    perform search.drop_vectors(p_workspace_id, v_gone);
  end if;
  delete from search.chunks as chunk
    where p_has_no_path and chunk.workspace_id = p_workspace_id and chunk.note_id = p_note_id and chunk.chunk_index = -2;
  insert into search.chunks as chunk (workspace_id, note_id, chunk_index, heading_path, byte_start, byte_end, words_count, words)
    select p_workspace_id, p_note_id, -name.place, '{}', 0, 0, (name.analysis ->> 'words_count')::integer,
        search.scoped(v_number, name.analysis ->> 'words')::tsvector
      from unnest(p_names) with ordinality as name (analysis, place)
      where name.analysis is not null
    on conflict (workspace_id, note_id, chunk_index) do update set words_count = excluded.words_count, words = excluded.words;

  select count(*) as chunks, coalesce(sum(chunk.words_count), 0) as words into v_after
    from search.chunks as chunk where chunk.workspace_id = p_workspace_id and chunk.note_id = p_note_id;
  update search.workspaces as workspace
    set chunks = workspace.chunks + v_after.chunks - v_before.chunks, words = workspace.words + v_after.words - v_before.words
    where workspace.workspace_id = p_workspace_id;
end $$;

-- Takes a note out of search, its vectors too.
create function search.forget(p_workspace_id uuid, p_note_id uuid) returns void
language plpgsql volatile as $$
declare
  v_gone record;
begin
  select count(*) as chunks, coalesce(sum(chunk.words_count), 0) as words, array_agg(chunk.text_hash) as hashes into v_gone
    from search.chunks as chunk where chunk.workspace_id = p_workspace_id and chunk.note_id = p_note_id;
  delete from search.notes as known where known.workspace_id = p_workspace_id and known.note_id = p_note_id;
  if v_gone.chunks > 0 then
    perform search.drop_vectors(p_workspace_id, v_gone.hashes);
    update search.workspaces as workspace
      set chunks = workspace.chunks - v_gone.chunks, words = workspace.words - v_gone.words
      where workspace.workspace_id = p_workspace_id;
  end if;
end $$;

-- Deletes vectors of texts that no chunk of the workspace has any more.
create function search.drop_vectors(p_workspace_id uuid, p_text_hashes bytea[]) returns void
language sql volatile
begin atomic
  delete from search.embeddings as embedding
    where embedding.workspace_id = p_workspace_id and embedding.text_hash = any (p_text_hashes)
      and not exists (
        select from search.chunks as chunk
          where chunk.workspace_id = p_workspace_id and chunk.text_hash = embedding.text_hash);
end;

-- Keeps the vectors that a text was compared by, now that it is a note's: the same text need not be sent again. They are in the order of the
-- chunks that have words.
create function search.keep_vectors(p_workspace_id uuid, p_note_id uuid, p_likeness jsonb) returns void
language plpgsql volatile set search_path = pg_catalog, public, pg_temp as $$
declare
  v_kept bigint;
begin
  insert into search.embeddings (workspace_id, model, text_hash, embedding)
    select p_workspace_id, p_likeness ->> 'model', chunk.text_hash, fetched.embedding::halfvec(1024)
      from jsonb_array_elements_text(p_likeness -> 'embeddings') with ordinality as fetched (embedding, place)
      join (
        select embeddable.text_hash, row_number() over (order by embeddable.chunk_index) as place
          from search.chunks as embeddable
          where embeddable.workspace_id = p_workspace_id and embeddable.note_id = p_note_id and embeddable.chunk_index >= 0
            and embeddable.words_count > 0
      ) as chunk on chunk.place = fetched.place
    on conflict (workspace_id, model, text_hash) do nothing;
  get diagnostics v_kept = row_count;
  update search.workspaces as workspace
    set embedded_chunks = workspace.embedded_chunks + v_kept,
        embedded_tokens = workspace.embedded_tokens + (p_likeness ->> 'tokens')::bigint
    where workspace.workspace_id = p_workspace_id;
end $$;

-- Words as the analysis writes them, in the name of a workspace: a mark stands where the workspace's number goes.
create function search.scoped(p_number integer, p_words text) returns text
language sql immutable
return replace(p_words, E'\x01', p_number || ':');

-- What is embedded of a chunk.
create function search.embedded_text(p_heading_path text[], p_text text) returns text
language sql immutable
return array_to_string(p_heading_path, ' > ') || E'\n\n' || p_text;

-- The bytes of a text between two places.
create function search.slice(p_content bytea, p_start integer, p_end integer) returns text
language sql immutable
return convert_from(substring(p_content from p_start + 1 for p_end - p_start), 'UTF8');

grant execute on function search.workspace, search.lock_workspace, search.follow, search.write_chunks, search.forget, search.drop_vectors,
  search.scoped, search.embedded_text, search.slice to noted_api, noted_search;
grant execute on function search.keep_vectors to noted_api;
