-- In how many chunks each word is, counted by the worker.

set local role noted_search;

-- Counts in how many chunks each word of a workspace is. Of many chunks a part is counted: how rare a word is need not be known exactly.
create function search.count_lexemes(p_workspace_id uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_counted_max constant bigint := 15000;
  v_chunks bigint;
  v_part double precision;
begin
  select workspace.chunks into v_chunks from search.workspaces as workspace where workspace.workspace_id = p_workspace_id for no key update;
  v_part := least(1, c_counted_max::double precision / greatest(v_chunks, 1));
  delete from search.lexemes as lexeme where lexeme.workspace_id = p_workspace_id;
  -- The last byte of an id is random, so it picks notes evenly.
  insert into search.lexemes (workspace_id, lexeme, chunks)
    select p_workspace_id, counted.word, ceil(counted.ndoc / v_part)
      from ts_stat(format(
        'select chunk.words from search.chunks as chunk where chunk.workspace_id = %L and get_byte(uuid_send(chunk.note_id), 15) < %s',
        p_workspace_id, ceil(256 * v_part))) as counted;
  update search.workspaces as workspace set counted_chunks = v_chunks, generation = workspace.generation + 1
    where workspace.workspace_id = p_workspace_id;
end $$;

-- Counts the words of the workspace that changed most since they were counted, if any did by a fifth.
create function search.count_one() returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_workspace_id uuid;
begin
  select workspace.workspace_id into v_workspace_id from search.workspaces as workspace
    where abs(workspace.chunks - workspace.counted_chunks) > 20 + workspace.counted_chunks / 5
    order by abs(workspace.chunks - workspace.counted_chunks) desc limit 1 for no key update skip locked;
  if found then
    perform search.count_lexemes(v_workspace_id);
  end if;
end $$;

grant execute on function search.count_lexemes, search.count_one to noted_api;
