-- A note says how far its embedding is.

-- How far the embedding of a note is, and what was wrong at the last attempt; both are null where the workspace wants none.
create type search.embedding as (
  status text,
  error text
);

-- How far the embedding of a live note is. One whose chunks are not cut yet waits like the others.
create function search.embedding_of(p_workspace_id uuid, p_note_id uuid) returns search.embedding
language sql stable
return (
  select row(
      coalesce(known.embedding_status, case when workspace.ai_processing then 'pending' end),
      case when known.embedding_status is not null then known.embedding_error end)::search.embedding
    from noted.workspaces as workspace
    left join search.notes as known on known.workspace_id = p_workspace_id and known.note_id = p_note_id
    where workspace.id = p_workspace_id);

-- A note as JSON text with that added, if there is something to add. As text, because a note can be large and is only passed on.
create function sync.with_embedding(p_note text, p_embedding search.embedding) returns text
language sql immutable
return case when (p_embedding).status is null then p_note else
  left(p_note, -1) || ', "embedding_status": ' || to_json((p_embedding).status)
    || coalesce(', "embedding_error": ' || to_json((p_embedding).error), '') || '}'
end;

-- What an entity tag says of it, behind the version: it changes while the version stays. Nothing, as long as nothing was tried: so the tag that
-- a note was created with is good until then.
create function sync.embedding_mark(p_embedding search.embedding) returns text
language sql immutable
return case when (p_embedding).status is null or ((p_embedding).status = 'pending' and (p_embedding).error is null) then '' else
  '.' || (p_embedding).status || coalesce('.' || left(md5((p_embedding).error), 8), '')
end;
grant execute on function search.embedding_of, sync.with_embedding, sync.embedding_mark to noted_api;

-- The last statement of such a function. What was refused is neither counted nor remembered, so that the request may come again. A null note is
-- the one that was created; its answer says that its vectors are still to come.
create or replace function sync.end_change(p_change sync.change, p_written sync.written, p_note_id uuid, p_from_editor boolean) returns api.reply
language plpgsql volatile as $$
declare
  v_reply api.reply := p_written.reply;
  v_note_id uuid;
begin
  if v_reply.outcome in ('created', 'updated', 'unchanged', 'deleted', 'already_deleted', 'resolved') then
    if p_written.changes > 0 then
      v_note_id := coalesce(p_note_id, (v_reply.body::json ->> 'id')::uuid);
      perform sync.follow(p_change.caller, v_note_id, p_change.analysis);
    end if;
    if v_reply.outcome = 'created' then
      v_reply.body := sync.with_embedding(v_reply.body, search.embedding_of((p_change.caller).workspace_id, v_note_id));
    end if;
    perform sync.count_written(
      (p_change.caller).workspace_id, p_written.changes, p_written.live, p_written.synced, p_from_editor);
    if p_change.idempotency_key is not null then
      perform sync.remember(
        p_change.caller, p_change.idempotency_key, p_change.endpoint, p_change.request_hash,
        case v_reply.outcome when 'created' then 201 else 200 end, v_reply.body);
    end if;
  end if;
  return v_reply;
end $$;
