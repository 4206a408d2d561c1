-- Rules are the same for all workspaces again, and vectors are not compared.
-- Completes what a component found of a text with what only the database knows: which note it is for, what that says now, and whether another
-- note of the workspace says the same.
create or replace function sync.judge(caller auth.caller, p_judgement jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_note record;
  v_similar text;
  v_violations jsonb := p_judgement -> 'violations';
begin
  select note.id, note.title, note.content_sha256 into v_note from noted.notes as note
    where note.workspace_id = caller.workspace_id and note.id = coalesce(
      (p_judgement ->> 'note_id')::uuid,
      (sync.conflict_of(caller.workspace_id, (p_judgement ->> 'conflict_id')::uuid)).note_id);
  -- A note that keeps its text is as much a copy of another as it was before.
  if not (p_judgement -> 'allow_duplicate')::boolean and v_note.content_sha256 is distinct from p_judgement ->> 'content_sha256' then
    select note.title into v_similar from noted.notes as note
      where note.workspace_id = caller.workspace_id and note.content_sha256 = p_judgement ->> 'content_sha256' and note.deleted_at is null
      order by note.id limit 1;
    if found then
      v_violations := v_violations || jsonb_build_object(
        'rule', 'duplicate_detection', 'message', 'Similar note already exists: ' || v_similar, 'line', null, 'recoverable', true);
    end if;
  end if;
  return p_judgement || jsonb_build_object(
    'note_id', v_note.id, 'title', coalesce(p_judgement ->> 'title', v_note.title), 'replaces', v_note.content_sha256,
    'violations', v_violations);
end $$;

-- What follows from a note that was just written or deleted: search, and what is known of agents and their readers. A text that was judged is
-- an agent's; other texts of people replace somebody's.
create or replace function sync.follow(caller auth.caller, p_note_id uuid, p_analysis jsonb) returns void
language plpgsql volatile as $$
begin
  perform search.follow(caller.workspace_id, p_note_id, p_analysis);
  if p_analysis ? 'judgement' then
    perform sync.record_attempt(caller, p_note_id, p_analysis -> 'judgement');
  elsif caller.kind in ('user', 'ide') then
    perform sync.record_correction(caller, p_note_id);
  end if;
end $$;

-- Whether an analysis is of a text that an agent sent and no rule was asked about.
create or replace function sync.lacks_judgement(caller auth.caller, p_analysis jsonb) returns boolean
language sql immutable
return (caller).kind = 'agent' and coalesce(p_analysis -> 'texts' <> '{}', false) and not p_analysis ? 'judgement';

-- The first statement of every function in `api` that changes one thing. A null idempotency key is not remembered. An agent's text must come with
-- a judgement in the analysis; the outcome not_judged asks the component for one, and rule_broken (body: the violations) says what it led to.
create or replace function sync.begin_change(
  p_key_hash bytea, p_workspace_id uuid, p_scopes text[], p_endpoint text, p_idempotency_key text, p_request_hash text, p_analysis jsonb
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
  if (v_change.caller).outcome <> 'entered' then
    v_change.reply := auth.reply(v_change.caller, (v_change.caller).outcome, (v_change.caller).detail);
    return v_change;
  end if;
  v_change.seq := sync.lock_workspace((v_change.caller).workspace_id) + 1;
  v_change.reply := sync.replay(v_change.caller, p_idempotency_key, p_endpoint, p_request_hash);
  if (v_change.reply).outcome is not null then
    return v_change;
  elsif sync.lacks_judgement(v_change.caller, p_analysis) then
    perform auth.uncount_request(v_change.caller);
    v_change.reply := auth.reply(v_change.caller, 'not_judged');
  elsif p_analysis ? 'judgement' and (v_change.caller).kind in ('agent', 'user') then
    -- The one route on which a person's key brings a judgement refuses keys of other kinds itself.
    v_judgement := sync.judge(v_change.caller, p_analysis -> 'judgement');
    v_change.analysis := jsonb_set(p_analysis, '{judgement}', v_judgement);
    if v_judgement -> 'violations' <> '[]' then
      perform sync.record_attempt(v_change.caller, (v_judgement ->> 'note_id')::uuid, v_judgement);
      v_change.reply := auth.reply(v_change.caller, 'rule_broken', (v_judgement -> 'violations')::text);
    end if;
  end if;
  return v_change;
end $$;

drop function sync.set_agent_rules, sync.agent_rules, search.similar_note, search.keep_vectors, search.comparable_by;
alter table noted.workspaces drop column agent_refused_words, drop column agent_note_bytes_max;
