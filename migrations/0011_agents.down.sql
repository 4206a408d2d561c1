-- Writes are judged by nobody again; what agents tried and people corrected goes.
-- The first statement of every function in `api` that changes one thing. A null idempotency key is not remembered.
create or replace function sync.begin_change(
  p_key_hash bytea, p_workspace_id uuid, p_scopes text[], p_endpoint text, p_idempotency_key text, p_request_hash text, p_analysis jsonb
) returns sync.change
language plpgsql volatile as $$
declare
  v_change sync.change;
begin
  v_change.caller := auth.enter(p_key_hash, p_workspace_id, p_scopes);
  v_change.endpoint := p_endpoint;
  v_change.idempotency_key := p_idempotency_key;
  v_change.request_hash := p_request_hash;
  v_change.analysis := p_analysis;
  if (v_change.caller).outcome <> 'entered' then
    v_change.reply := auth.reply(v_change.caller, (v_change.caller).outcome, (v_change.caller).detail);
    return v_change;
  end if;
  v_change.seq := sync.lock_workspace((v_change.caller).workspace_id) + 1;
  v_change.reply := sync.replay(v_change.caller, p_idempotency_key, p_endpoint, p_request_hash);
  return v_change;
end $$;

-- The last statement of such a function. What was refused is neither counted nor remembered, so that the request may come again. A null note is
-- the one that was created.
create or replace function sync.end_change(p_change sync.change, p_written sync.written, p_note_id uuid, p_from_editor boolean) returns api.reply
language plpgsql volatile as $$
declare
  v_reply constant api.reply := p_written.reply;
begin
  if v_reply.outcome in ('created', 'updated', 'unchanged', 'deleted', 'already_deleted', 'resolved') then
    if p_written.changes > 0 then
      perform search.follow((p_change.caller).workspace_id, coalesce(p_note_id, (v_reply.body::json ->> 'id')::uuid), p_change.analysis);
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

drop function sync.lacks_judgement, sync.follow, sync.record_correction, sync.agents_text, sync.record_attempt, sync.judge, auth.uncount_request;
drop index noted.notes_text_live;
drop table noted.agent_note_corrections, noted.agent_write_attempts;
