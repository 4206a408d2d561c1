-- In how many chunks each word is, counted by the worker.

set local role noted_search;

-- Has the words counted of workspaces that changed by a fifth since.
create function search.begin_counts() returns void
language sql volatile security definer set search_path = pg_catalog, public, pg_temp
begin atomic
  insert into search.slices (workspace_id, task)
    select known.workspace_id, 'count' from search.workspaces as known
      where abs(known.chunks - known.counted_chunks) > 20 + known.counted_chunks / 5
        and not exists (select from search.slices as begun where begun.workspace_id = known.workspace_id and begun.task = 'count')
      limit 100
    on conflict do nothing;
end;

-- Counts the words of some chunks of a workspace, and answers whether more are left. Of many chunks a part is counted: how rare a word is need not be
-- known exactly. Nothing is locked that a writer needs, until the last step, which is one row.
create function search.count_slice(p_workspace_id uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_counted_max constant double precision := 15000;
  c_chunks_max constant integer := 200;
  c_cleared_max constant integer := 20000;
  v_slice search.slices;
  v_side boolean;
  v_cleared bigint;
  v_last record;
begin
  select slice.* into v_slice from search.slices as slice where slice.workspace_id = p_workspace_id and slice.task = 'count';
  select not known.lexemes_side into v_side from search.workspaces as known where known.workspace_id = p_workspace_id;
  if v_slice.part is null then
    -- What was in use before the last count, or what a count left that did not end.
    delete from search.lexemes as lexeme
      where lexeme.workspace_id = p_workspace_id and lexeme.side = v_side and lexeme.lexeme in (
        select old.lexeme from search.lexemes as old where old.workspace_id = p_workspace_id and old.side = v_side limit c_cleared_max);
    get diagnostics v_cleared = row_count;
    if v_cleared < c_cleared_max then
      update search.slices as slice set part = least(1, c_counted_max / greatest(known.chunks, 1)), chunks = known.chunks
        from search.workspaces as known
        where known.workspace_id = p_workspace_id and slice.workspace_id = p_workspace_id and slice.task = 'count';
    end if;
    return true;
  end if;
  with page as materialized (
    select chunk.note_id, chunk.chunk_index, chunk.words from search.chunks as chunk
      where chunk.workspace_id = p_workspace_id and (chunk.note_id, chunk.chunk_index) > (v_slice.note_id, v_slice.chunk_index)
        -- The last byte of an id is random, so it picks notes evenly.
        and get_byte(uuid_send(chunk.note_id), 15) < ceil(256 * v_slice.part)
      order by chunk.note_id, chunk.chunk_index limit c_chunks_max
  ), counted as (
    insert into search.lexemes as lexeme (workspace_id, side, lexeme, chunks)
      select p_workspace_id, v_side, word.lexeme, count(*) from page, unnest(page.words) as word group by word.lexeme
      on conflict (workspace_id, side, lexeme) do update set chunks = lexeme.chunks + excluded.chunks
  )
  select page.note_id, page.chunk_index into v_last from page order by page.note_id desc, page.chunk_index desc limit 1;
  if found then
    update search.slices as slice set note_id = v_last.note_id, chunk_index = v_last.chunk_index
      where slice.workspace_id = p_workspace_id and slice.task = 'count';
    return true;
  end if;
  update search.workspaces as known
    set lexemes_side = v_side, lexemes_part = v_slice.part, counted_chunks = v_slice.chunks, generation = known.generation + 1
    where known.workspace_id = p_workspace_id;
  return false;
end $$;

grant execute on function search.begin_counts, search.count_slice to noted_api;
