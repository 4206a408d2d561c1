-- How a change begins and ends: the workspace is taken, a retry is answered, and what follows from the change is done.

-- Takes the workspace for writing. Every change of a workspace waits here, so that what follows in the function is alone with it: no
-- check can be overtaken, and the order of commits is the order of `seq`.
create function sync.lock_workspace(p_workspace_id uuid) returns bigint
language plpgsql volatile as $$
declare
  v_seq bigint;
begin
  select workspace.seq into strict v_seq from noted.workspaces as workspace where workspace.id = p_workspace_id for no key update;
  perform search.lock_workspace(p_workspace_id);
  return v_seq;
end $$;

-- The first statement of every function in `api` that changes one thing. A null idempotency key is not remembered, a null origin stands for the key. The
-- outcome origin_taken (body: the name) says that another key writes under this name. An agent's text must come with
-- a judgement in the analysis; the outcome not_judged (body: the workspace's rules) asks the component for one, not_compared (body: a model) asks
-- for the vectors that one lacks, and rule_broken (body: the violations) says what it led to.
create function sync.begin_change(
  p_key_hash bytea, p_workspace_id uuid, p_scopes text[], p_endpoint text, p_idempotency_key text, p_request_hash text, p_origin text,
  p_analysis jsonb
) returns sync.change
language plpgsql volatile as $$
declare
  v_change sync.change;
  v_judgement jsonb;
begin
  v_change.caller := auth.enter(p_key_hash, p_workspace_id, p_scopes);
  v_change.endpoint := p_endpoint;
  v_change.idempotency_key := p_idempotency_key;
  v_change.request_hash := p_request_hash;
  v_change.analysis := p_analysis;
  v_change.origin := auth.origin(v_change.caller, p_origin);
  if (v_change.caller).outcome <> 'entered' then
    v_change.reply := auth.reply(v_change.caller, (v_change.caller).outcome, (v_change.caller).detail);
    return v_change;
  end if;
  v_change.seq := sync.lock_workspace((v_change.caller).workspace_id) + 1;
  v_change.reply := sync.replay(v_change.caller, p_idempotency_key, p_endpoint, p_request_hash);
  if (v_change.reply).outcome is not null then
    return v_change;
  elsif not sync.take_origin(v_change.caller, v_change.origin) then
    v_change.reply := auth.reply(v_change.caller, 'origin_taken', to_json(v_change.origin)::text);
  elsif sync.lacks_judgement(v_change.caller, p_analysis) then
    perform auth.uncount_request(v_change.caller);
    v_change.reply := auth.reply(v_change.caller, 'not_judged', sync.agent_rules((v_change.caller).workspace_id)::text);
  elsif p_analysis ? 'judgement' and (v_change.caller).kind in ('agent', 'user') then
    -- The one route on which a person's key brings a judgement refuses keys of other kinds itself.
    v_judgement := sync.judge(v_change.caller, p_analysis -> 'judgement');
    v_change.analysis := jsonb_set(p_analysis, '{judgement}', v_judgement);
    v_change.caller := sync.as_agent(v_change.caller, v_judgement);
    if v_judgement -> 'violations' <> '[]' then
      perform sync.record_attempt(v_change.caller, (v_judgement ->> 'note_id')::uuid, v_judgement);
      v_change.reply := auth.reply(v_change.caller, 'rule_broken', (v_judgement -> 'violations')::text);
    elsif v_judgement ->> 'compare_by' is not null then
      perform auth.uncount_request(v_change.caller);
      v_change.reply := auth.reply(v_change.caller, 'not_compared', (v_judgement -> 'compare_by')::text);
    end if;
  end if;
  return v_change;
end $$;

-- Whether the caller writes under this name: the first key of the workspace that uses one has it.
create function sync.take_origin(caller auth.caller, p_origin text) returns boolean
language plpgsql volatile as $$
declare
  v_key_id uuid;
begin
  if p_origin like 'key-%' then
    return p_origin = auth.origin(caller, null);
  end if;
  select taken.key_id into v_key_id from noted.sync_origins as taken
    where taken.workspace_id = caller.workspace_id and taken.origin = p_origin;
  if not found then
    insert into noted.sync_origins (workspace_id, origin, key_id) values (caller.workspace_id, p_origin, caller.key_id);
    return true;
  end if;
  return v_key_id = caller.key_id;
end $$;

-- The caller of a text that was judged: whoever sends it, an agent wrote it.
create function sync.as_agent(caller auth.caller, p_judgement jsonb) returns auth.caller
language plpgsql immutable as $$
begin
  caller.kind := 'agent';
  caller.model := p_judgement ->> 'agent_model';
  return caller;
end $$;

-- What an earlier request with this key was answered, if there was one in the last day: 'replayed' with its body, or 'key_reused' if it
-- asked for something else.
create function sync.replay(caller auth.caller, p_key text, p_endpoint text, p_request_hash text) returns api.reply
language plpgsql stable as $$
declare
  v_earlier record;
begin
  select earlier.request_hash, earlier.response_body into v_earlier
    from noted.idempotent_requests as earlier
    where earlier.workspace_id = caller.workspace_id and earlier.idempotency_key = p_key and earlier.endpoint = p_endpoint
      and earlier.created_at > now() - interval '24 hours';
  if not found then
    return null;
  elsif v_earlier.request_hash <> p_request_hash then
    return auth.reply(caller, 'key_reused');
  end if;
  return auth.reply(
    caller, 'replayed', case when auth.may_read(caller) then v_earlier.response_body else (v_earlier.response_body::jsonb - 'content')::text end);
end $$;

-- The last statement of such a function. What was refused is neither counted nor remembered, so that the request may come again. A null note is
-- the one that was created; its answer says that its vectors are still to come.
create function sync.end_change(p_change sync.change, p_written sync.written, p_note_id uuid, p_from_editor boolean) returns api.reply
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
    perform sync.count_written((p_change.caller).workspace_id, p_written, p_from_editor);
    if p_change.idempotency_key is not null then
      perform sync.remember(
        p_change.caller, p_change.idempotency_key, p_change.endpoint, p_change.request_hash,
        case v_reply.outcome when 'created' then 201 else 200 end, v_reply.body);
    end if;
  end if;
  return v_reply;
end $$;

-- Remembers an answer. A key from before yesterday is free again.
create function sync.remember(caller auth.caller, p_key text, p_endpoint text, p_request_hash text, p_status integer, p_body text) returns void
language plpgsql volatile as $$
begin
  insert into noted.idempotent_requests (workspace_id, idempotency_key, endpoint, user_id, request_hash, status_code, response_body)
    values (caller.workspace_id, p_key, p_endpoint, caller.user_id, p_request_hash, p_status, p_body)
    on conflict (workspace_id, idempotency_key, endpoint) do update
      set user_id = excluded.user_id, request_hash = excluded.request_hash, status_code = excluded.status_code,
          response_body = excluded.response_body, created_at = excluded.created_at;
end $$;

-- What follows from a note that was just written or deleted: search, and what is known of agents and their readers. A text that was judged is
-- an agent's; other texts of people replace somebody's.
create function sync.follow(caller auth.caller, p_note_id uuid, p_analysis jsonb) returns void
language plpgsql volatile as $$
begin
  perform search.follow(caller.workspace_id, p_note_id, p_analysis);
  if p_analysis ? 'judgement' then
    if p_analysis #> '{judgement,likeness,embeddings}' <> '[]' then
      perform search.keep_vectors(caller.workspace_id, p_note_id, p_analysis #> '{judgement,likeness}');
    end if;
    perform sync.record_attempt(caller, p_note_id, p_analysis -> 'judgement');
  elsif caller.kind in ('user', 'ide') then
    perform sync.record_correction(caller, p_note_id);
  end if;
end $$;

-- A reply that comes of writing nothing.
create function sync.refused(reply api.reply) returns sync.written
language sql immutable
return row(reply, 0, 0, 0, 0)::sync.written;

-- Two writes of one request, counted as one, with the first one's answer.
create function sync.both(p_first sync.written, p_second sync.written) returns sync.written
language sql immutable
return row(
  (p_first).reply, (p_first).changes + (p_second).changes, (p_first).live + (p_second).live, (p_first).synced + (p_second).synced,
  (p_first).bytes + (p_second).bytes)::sync.written;

-- Counts what was written, once for all of a request, and moves the workspace's order on.
create function sync.count_written(p_workspace_id uuid, p_written sync.written, p_from_editor boolean) returns void
language sql volatile
begin atomic
  update noted.workspaces as workspace
    set seq = workspace.seq + (p_written).changes, live_notes = workspace.live_notes + (p_written).live,
        synced_notes = workspace.synced_notes + (p_written).synced, stored_bytes = workspace.stored_bytes + (p_written).bytes,
        last_sync_at = case when p_from_editor then now() else workspace.last_sync_at end
    where workspace.id = p_workspace_id and (p_written).changes > 0;
end;

-- Counts bytes where nothing is written that others see: what a refused request leaves, and what is cleared away.
create function sync.count_bytes(p_workspace_id uuid, p_bytes bigint) returns void
language sql volatile
begin atomic
  update noted.workspaces as workspace set stored_bytes = workspace.stored_bytes + p_bytes
    where workspace.id = p_workspace_id and p_bytes <> 0;
end;

grant execute on function sync.lock_workspace, sync.begin_change, sync.take_origin, sync.as_agent, sync.replay, sync.end_change, sync.remember, sync.follow, sync.refused,
  sync.both, sync.count_written, sync.count_bytes to noted_api;
