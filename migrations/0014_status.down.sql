-- A note does not say how far its embedding is.

-- The last statement of such a function. What was refused is neither counted nor remembered, so that the request may come again. A null note is
-- the one that was created.
create or replace function sync.end_change(p_change sync.change, p_written sync.written, p_note_id uuid, p_from_editor boolean) returns api.reply
language plpgsql volatile as $$
declare
  v_reply constant api.reply := p_written.reply;
begin
  if v_reply.outcome in ('created', 'updated', 'unchanged', 'deleted', 'already_deleted', 'resolved') then
    if p_written.changes > 0 then
      perform sync.follow(p_change.caller, coalesce(p_note_id, (v_reply.body::json ->> 'id')::uuid), p_change.analysis);
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

drop function search.embedding_of, sync.with_embedding, sync.embedding_mark;
drop type search.embedding;
