-- Whether search by meaning works, for all workspaces together.

set local role noted_search;

-- 'ok', or why not: vectors are read, a provider that is left alone after failures is told, and so are notes for which nobody has come in ten minutes,
-- because then no worker is at work.
create function search.health() returns text
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform embedding.embedding <=> embedding.embedding from search.embeddings as embedding limit 1;
  perform from search.providers as provider where provider.open_until > now() limit 1;
  if found then
    return 'a provider is left alone';
  end if;
  perform from search.notes as note
    where note.embedding_status in ('pending', 'in_progress') and note.due_at < now() - interval '10 minutes' limit 1;
  return case when found then 'notes wait for a worker' else 'ok' end;
end $$;

grant execute on function search.health to noted_api;
