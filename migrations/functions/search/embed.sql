-- What the worker does about vectors: notes are queued, leased, and stored or put off.

set local role noted_search;

-- Has the notes queued of workspaces that consent and have another model than this one, and the vectors of other models dropped afterwards.
create function search.begin_model(p_model text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_workspace_id uuid;
begin
  for v_workspace_id in
    select known.workspace_id from search.workspaces as known
      join noted.workspaces as workspace on workspace.id = known.workspace_id and workspace.ai_processing
      where known.embedding_model is distinct from p_model
      limit 10 for update of known skip locked
  loop
    update search.workspaces as known set embedding_model = p_model where known.workspace_id = v_workspace_id;
    perform search.begin_queue(v_workspace_id);
    insert into search.slices (workspace_id, task) values (v_workspace_id, 'drop') on conflict do nothing;
  end loop;
end $$;

-- Has every note of a workspace queued, from the first on; the first thousand at once, so that of a small workspace none is queued a second time after it
-- was embedded.
create function search.begin_queue(p_workspace_id uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into search.slices (workspace_id, task)
    select known.workspace_id, 'queue' from search.workspaces as known where known.workspace_id = p_workspace_id
    on conflict (workspace_id, task) do update
      set note_id = excluded.note_id, due_at = excluded.due_at, failures = 0;
  if not search.queue_slice(p_workspace_id) then
    delete from search.slices as slice where slice.workspace_id = p_workspace_id and slice.task = 'queue';
  end if;
end $$;

-- Queues every note of a workspace. What has its vectors already costs no request. Answers how many notes. Whoever calls it has taken the workspace.
create function search.queue(p_workspace_id uuid) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform search.begin_queue(p_workspace_id);
  return (select count(*) from search.notes as note
    where note.workspace_id = p_workspace_id and note.embedding_status is distinct from 'in_progress');
end $$;

-- Queues some notes of a workspace, and answers whether more are left.
create function search.queue_slice(p_workspace_id uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_notes_max constant integer := 1000;
  v_notes uuid[];
begin
  perform search.lock_workspace(p_workspace_id);
  v_notes := array(select note.note_id from search.notes as note
    where note.workspace_id = p_workspace_id
      and note.note_id > (select slice.note_id from search.slices as slice where slice.workspace_id = p_workspace_id and slice.task = 'queue')
    order by note.note_id limit c_notes_max);
  update search.notes as note
    set embedding_status = 'pending', embedding_attempts = 0, embedding_error = null, due_at = now(), queued_at = now()
    where note.workspace_id = p_workspace_id and note.note_id = any (v_notes) and note.embedding_status is distinct from 'in_progress';
  update search.slices as slice set note_id = v_notes[cardinality(v_notes)]
    where slice.workspace_id = p_workspace_id and slice.task = 'queue' and cardinality(v_notes) > 0;
  return cardinality(v_notes) = c_notes_max;
end $$;

-- Deletes some vectors of models other than the workspace's own, as soon as all notes have theirs of that, and answers whether more may be left; null as long as
-- some have not.
create function search.drop_slice(p_workspace_id uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_vectors_max constant integer := 5000;
  v_dropped bigint;
begin
  perform from search.notes as note
    where note.workspace_id = p_workspace_id and note.embedding_status in ('pending', 'in_progress') limit 1;
  if found or exists (select from search.slices as slice where slice.workspace_id = p_workspace_id and slice.task = 'queue') then
    return null;
  end if;
  delete from search.embeddings as embedding
    where embedding.workspace_id = p_workspace_id and (embedding.model, embedding.text_hash) in (
      select old.model, old.text_hash from search.embeddings as old
        where old.workspace_id = p_workspace_id and old.model <> (
          select known.embedding_model from search.workspaces as known where known.workspace_id = p_workspace_id)
        limit c_vectors_max);
  get diagnostics v_dropped = row_count;
  return v_dropped = c_vectors_max;
end $$;

-- Takes the workspace whose turn it is with a task; null if it is nobody's. That is noted down before the work and in a statement of its own: one that
-- does not end waits longer each time, while the others go on.
create function search.take_slice(p_task text) returns uuid
language sql volatile security definer set search_path = pg_catalog, public, pg_temp
begin atomic
  update search.slices as slice
    set failures = slice.failures + 1, due_at = now() + least(interval '15 seconds' * 2 ^ least(slice.failures, 10), interval '1 hour')
    where slice.task = p_task and slice.workspace_id = (
      select due.workspace_id from search.slices as due
        where due.task = p_task and due.due_at <= now() order by due.due_at limit 1 for update skip locked)
    returning slice.workspace_id;
end;

-- Does a slice of a task that was taken, and answers whether more could be done at once. Then its turn comes again after all others.
create function search.do_slice(p_task text, p_workspace_id uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_has_more constant boolean := case p_task
    when 'queue' then search.queue_slice(p_workspace_id)
    when 'count' then search.count_slice(p_workspace_id)
    when 'drop' then search.drop_slice(p_workspace_id)
  end;
begin
  if v_has_more is distinct from false then
    update search.slices as slice set failures = 0, due_at = now()
      where slice.workspace_id = p_workspace_id and slice.task = p_task;
  else
    delete from search.slices as slice where slice.workspace_id = p_workspace_id and slice.task = p_task;
  end if;
  return coalesce(v_has_more, false);
end $$;

-- The texts of notes that are to be cut, as many as fit.
create function search.hand_out(p_workspaces uuid[], p_notes uuid[]) returns json
language sql volatile security definer set search_path = pg_catalog, public, pg_temp
begin atomic
  with sized as (
    select note.*, sum(octet_length(note.content)) over (order by note.workspace_id, note.id) - octet_length(note.content) as bytes_before
      from unnest(p_workspaces, p_notes) as waiting (workspace_id, note_id)
      join noted.notes as note on note.workspace_id = waiting.workspace_id and note.id = waiting.note_id and note.deleted_at is null
  ), taken as (
    update search.notes as note set due_at = now() + interval '1 minute'
      from sized where note.workspace_id = sized.workspace_id and note.note_id = sized.id and sized.bytes_before < 4 * 1024 * 1024
      returning note.note_id
  )
  select coalesce(json_agg(json_build_object(
      'workspace_id', sized.workspace_id, 'note_id', sized.id, 'title', sized.title, 'path', sized.ide_file_path,
      'content', sized.content, 'content_sha256', sized.content_sha256)), '[]')
    from sized join taken on taken.note_id = sized.id;
end;

-- Notes that have no chunks yet, because whoever wrote them did not have their text; at most `p_limit`, and not many bytes. What is handed out and not cut
-- comes again in a minute, after all others.
create function search.not_analysed(p_limit integer) returns json
language sql volatile security definer set search_path = pg_catalog, public, pg_temp
begin atomic
  with waiting as (
    select note.workspace_id, note.note_id from search.notes as note
      where note.content_sha256 is null and note.due_at <= now() order by note.due_at limit p_limit for update skip locked
  )
  select search.hand_out(array_agg(waiting.workspace_id), array_agg(waiting.note_id)) from waiting;
end;

-- Notes that an earlier release has cut, in the same way.
create function search.stale(p_limit integer) returns json
language sql volatile security definer set search_path = pg_catalog, public, pg_temp
begin atomic
  with waiting as (
    select note.workspace_id, note.note_id from search.notes as note
      where note.is_stale and note.content_sha256 is not null and note.due_at <= now() order by note.due_at limit p_limit for update skip locked
  )
  select search.hand_out(array_agg(waiting.workspace_id), array_agg(waiting.note_id)) from waiting;
end;

-- Leases notes whose vectors are due, and hands out what they lack. An attempt counts from here, so that a text which ends its worker is given up
-- like one that its provider refuses. Workspaces take turns, so that nobody waits for all notes of another. A note that failed is tried alone, so that it
-- fails alone. While a provider is left alone nothing is handed out, and what is handed out after that is one note.
create function search.claim(p_model text, p_notes_max integer, p_texts_max integer) returns search.claim
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_attempts_max constant integer := 4;
  c_lease constant interval := interval '2 minutes';
  v_provider search.providers;
  v_workspaces uuid[];
  v_notes uuid[];
  v_attempts smallint[];
  v_claim search.claim;
begin
  select provider.* into v_provider from search.providers as provider where provider.model = p_model;
  if v_provider.open_until > now() then
    return v_claim;
  end if;
  -- One step from workspace to workspace, instead of over all notes that wait.
  with recursive waiting (workspace_id) as (
    (select note.workspace_id from search.notes as note where note.embedding_status <> 'completed' order by note.workspace_id limit 1)
    union all
    select (select note.workspace_id from search.notes as note
        where note.embedding_status <> 'completed' and note.workspace_id > waiting.workspace_id order by note.workspace_id limit 1)
      from waiting where waiting.workspace_id is not null
  ), due as (
    select workspace.id as workspace_id, own.note_id, own.due_at, own.embedding_attempts,
        row_number() over (partition by workspace.id order by own.due_at) as turn
      from waiting
      join noted.workspaces as workspace on workspace.id = waiting.workspace_id and workspace.ai_processing
      cross join (values ('pending'), ('in_progress')) as status (name)
      cross join lateral (
        select note.note_id, note.due_at, note.embedding_attempts from search.notes as note
          where note.workspace_id = workspace.id and note.embedding_status <> 'completed' and note.embedding_status = status.name
            and note.due_at <= now() and note.content_sha256 is not null
          order by note.due_at limit p_notes_max
      ) as own
  ), first as (
    select due.* from due order by due.turn, due.due_at limit p_notes_max
  )
  select array_agg(first.workspace_id order by first.turn, first.due_at), array_agg(first.note_id order by first.turn, first.due_at),
      array_agg(first.embedding_attempts order by first.turn, first.due_at)
    into v_workspaces, v_notes, v_attempts from first;
  if v_provider.failures > 0 or v_attempts[1] > 0 then
    v_notes := v_notes[1:1];
  end if;
  with due as (
    select note.workspace_id, note.note_id from unnest(v_workspaces, v_notes) as first (workspace_id, note_id)
      join search.notes as note on note.workspace_id = first.workspace_id and note.note_id = first.note_id
      where note.embedding_status in ('pending', 'in_progress') and note.due_at <= now()
      for update of note skip locked
  ), leased as (
    update search.notes as note
      set embedding_status = case when note.embedding_attempts < c_attempts_max then 'in_progress' else 'failed_permanently' end,
          embedding_attempts = least(note.embedding_attempts + 1, c_attempts_max), due_at = now() + c_lease,
          embedding_error = case when note.embedding_attempts < c_attempts_max then note.embedding_error
            else coalesce(note.embedding_error, 'no attempt came to an end') end
      from due where note.workspace_id = due.workspace_id and note.note_id = due.note_id
      returning note.workspace_id, note.note_id, note.content_sha256, note.embedding_status
  ), taken as (
    select leased.* from leased where leased.embedding_status = 'in_progress'
  ), lacking as (
    select distinct on (chunk.workspace_id, chunk.text_hash)
        chunk.workspace_id, chunk.text_hash, chunk.note_id, chunk.heading_path, chunk.byte_start, chunk.byte_end
      from taken
      join search.chunks as chunk on chunk.workspace_id = taken.workspace_id and chunk.note_id = taken.note_id and chunk.chunk_index >= 0
        -- Of a text without a word there is nothing to know.
        and chunk.words_count > 0
      where not exists (
        select from search.embeddings as embedding
          where embedding.workspace_id = chunk.workspace_id and embedding.model = p_model and embedding.text_hash = chunk.text_hash)
  ), bounded as (
    select lacking.* from lacking order by lacking.workspace_id, lacking.note_id limit p_texts_max
  )
  select
      (select json_agg(json_build_object(
          'workspace_id', taken.workspace_id, 'note_id', taken.note_id, 'content_sha256', taken.content_sha256)) from taken),
      (select json_agg(json_build_object(
          'workspace_id', bounded.workspace_id, 'text_hash', encode(bounded.text_hash, 'hex'),
          'text', search.embedded_text(
            bounded.heading_path, search.slice(convert_to(note.content, 'UTF8'), bounded.byte_start, bounded.byte_end))))
        from bounded join noted.notes as note on note.workspace_id = bounded.workspace_id and note.id = bounded.note_id)
    into v_claim.notes, v_claim.texts;
  return v_claim;
end $$;

-- Stores vectors. Each goes to the text that it was made of, if a chunk still has that text.
create function search.store(p_model text, p_workspaces uuid[], p_text_hashes text[], p_embeddings text[], p_tokens bigint) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_workspaces uuid[];
  v_text_hashes bytea[];
begin
  with stored as (
    insert into search.embeddings (workspace_id, model, text_hash, embedding)
      select fresh.workspace_id, p_model, decode(fresh.text_hash, 'hex'), fresh.embedding::halfvec(1024)
        from unnest(p_workspaces, p_text_hashes, p_embeddings) as fresh (workspace_id, text_hash, embedding)
        where exists (
          select from search.chunks as chunk
            where chunk.workspace_id = fresh.workspace_id and chunk.text_hash = decode(fresh.text_hash, 'hex'))
        order by fresh.workspace_id, fresh.text_hash
      on conflict (workspace_id, model, text_hash) do nothing
      returning workspace_id, text_hash
  )
  select array_agg(stored.workspace_id), array_agg(stored.text_hash) into v_workspaces, v_text_hashes from stored;
  update search.workspaces as workspace
    set generation = workspace.generation + 1, embedded_chunks = workspace.embedded_chunks + stored.texts,
        embedded_tokens = workspace.embedded_tokens + p_tokens * stored.texts / cardinality(p_workspaces)
    from (select fresh.workspace_id, count(*) as texts from unnest(p_workspaces) as fresh (workspace_id) group by fresh.workspace_id) as stored
    where workspace.workspace_id = stored.workspace_id;
  -- Whoever takes the last chunk with a text away has either done so, or is doing so, and then cannot see the vector yet: it goes here. Or does so
  -- after this, has to wait for the end of it, and then sees the vector. Here nobody is waited for, so that nobody waits for one another.
  with held as (
    select chunk.workspace_id, chunk.text_hash from search.chunks as chunk
      join unnest(v_workspaces, v_text_hashes) as stored (workspace_id, text_hash)
        on chunk.workspace_id = stored.workspace_id and chunk.text_hash = stored.text_hash
      for share of chunk skip locked
  )
  delete from search.embeddings as embedding
    using unnest(v_workspaces, v_text_hashes) as stored (workspace_id, text_hash)
    where embedding.workspace_id = stored.workspace_id and embedding.model = p_model and embedding.text_hash = stored.text_hash
      and not exists (select from held where held.workspace_id = stored.workspace_id and held.text_hash = stored.text_hash);
  delete from search.providers as provider where provider.model = p_model;
end $$;

-- Ends leases. A note whose text is still the one that was claimed is complete when no chunk lacks a vector of its workspace's model, and otherwise
-- next in line; one that changed meanwhile was queued by whoever changed it. Answers how many are complete.
create function search.finish(p_model text, p_notes json) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_completed bigint;
begin
  perform search.lock_workspace(claimed.workspace_id)
    from (select distinct claimed.workspace_id from json_to_recordset(p_notes) as claimed (workspace_id uuid) order by claimed.workspace_id) as claimed;
  with ended as (
    update search.notes as note
      set embedding_status = case when lacking.is_lacking then 'pending' else 'completed' end,
          embedding_attempts = 0, embedding_error = null,
          -- The model changed meanwhile: left to whoever has the new one, and not taken again and again by whoever has not.
          due_at = now() + case when known.embedding_model = p_model then interval '0' else interval '1 second' end
      from json_to_recordset(p_notes) as claimed (workspace_id uuid, note_id uuid, content_sha256 text)
      join search.workspaces as known on known.workspace_id = claimed.workspace_id
      cross join lateral (
        select exists (
          select from search.chunks as chunk
            where chunk.workspace_id = claimed.workspace_id and chunk.note_id = claimed.note_id and chunk.chunk_index >= 0
              and chunk.words_count > 0
              and not exists (
                select from search.embeddings as embedding
                  where embedding.workspace_id = chunk.workspace_id and embedding.text_hash = chunk.text_hash
                    and embedding.model = coalesce(known.embedding_model, p_model))
        ) as is_lacking
      ) as lacking
      where note.workspace_id = claimed.workspace_id and note.note_id = claimed.note_id
        and note.content_sha256 = claimed.content_sha256 and note.embedding_status = 'in_progress'
      returning note.embedding_status
  )
  select count(*) filter (where ended.embedding_status = 'completed') into v_completed from ended;
  return v_completed;
end $$;

-- Ends leases of notes that got no vectors: they are tried again later, or given up.
create function search.fail(p_model text, p_notes json, p_error text, p_wait interval) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_delays constant interval[] := array['1 minute', '5 minutes', '15 minutes'];
begin
  perform search.lock_workspace(claimed.workspace_id)
    from (select distinct claimed.workspace_id from json_to_recordset(p_notes) as claimed (workspace_id uuid) order by claimed.workspace_id) as claimed;
  update search.notes as note
    set embedding_status = case
          when p_wait is null and note.embedding_attempts > cardinality(c_delays) then 'failed_permanently' else 'pending' end,
        embedding_attempts = note.embedding_attempts - (p_wait is not null)::integer, embedding_error = left(p_error, 500),
        due_at = now() + coalesce(p_wait, c_delays[note.embedding_attempts], interval '0')
    from json_to_recordset(p_notes) as claimed (workspace_id uuid, note_id uuid, content_sha256 text)
    where note.workspace_id = claimed.workspace_id and note.note_id = claimed.note_id
      and note.content_sha256 = claimed.content_sha256 and note.embedding_status = 'in_progress';
  perform search.provider_failed(p_model, p_wait);
end $$;

-- Notes down that a provider failed: from the fifth time in a row it is left alone, longer each time; or as long as it asked.
create function search.provider_failed(p_model text, p_wait interval) returns void
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into search.providers as provider (model, failures, open_until)
    values (p_model, (p_wait is null)::integer, now() + coalesce(p_wait, interval '0'))
    on conflict (model) do update
      set failures = provider.failures + excluded.failures,
          open_until = case
            when p_wait is not null then greatest(provider.open_until, excluded.open_until)
            when provider.failures + 1 >= 5 then now() + least(interval '15 seconds' * 2 ^ (provider.failures - 4), interval '5 minutes')
            else provider.open_until end;
end $$;

-- For `search.set_consent`.
grant execute on function search.queue to session_user;
grant execute on function search.begin_model, search.queue, search.take_slice, search.do_slice, search.not_analysed, search.stale, search.hand_out, search.claim, search.store, search.finish, search.fail,
  search.provider_failed to noted_api;
