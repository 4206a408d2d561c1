-- Agents that write: what they tried, and what people made of it.
--
-- An agent's text is judged by rules before it is stored, whatever route it comes by. The rules are in the components, because they read markdown;
-- that they are asked is decided here, because only here is known whose key it is.

-- One attempt of an agent to write a text. What was refused is here and nowhere else.
create table noted.agent_write_attempts (
  workspace_id uuid not null,
  id uuid not null default noted.new_id(),
  note_id uuid,
  key_id uuid not null,
  title text,
  agent_model text,
  content_preview text not null,
  content_sha256 text not null,
  -- `retried` is one that passes after one that failed.
  validation_status text not null,
  validation_errors jsonb not null,
  rag_context_ids text[] not null,
  -- By the agent's clock. Kept, never used to decide anything.
  generated_at timestamptz,
  -- Whether the last attempt of this key at this note or title failed a moment ago.
  is_retry boolean not null,
  -- The version of the note that this text became; null where no new text was stored.
  written_version bigint,
  -- The clock and not the transaction's beginning: attempts of one batch are told apart by this.
  created_at timestamptz not null default clock_timestamp(),
  constraint agent_write_attempts_pkey primary key (workspace_id, id),
  constraint agent_write_attempts_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint agent_write_attempts_note_fkey foreign key (workspace_id, note_id) references noted.notes (workspace_id, id)
    on delete set null (note_id),
  constraint agent_write_attempts_status_known check (validation_status in ('passed', 'failed', 'retried')),
  constraint agent_write_attempts_errors_told check (
    jsonb_typeof(validation_errors) = 'array' and (validation_status = 'failed') = (validation_errors <> '[]')),
  constraint agent_write_attempts_preview_short check (char_length(content_preview) <= 500),
  constraint agent_write_attempts_failed_writes_nothing check (validation_status <> 'failed' or written_version is null)
);
create index idx_attempts_note on noted.agent_write_attempts (workspace_id, note_id, written_version);
create index idx_attempts_key on noted.agent_write_attempts (workspace_id, key_id, created_at);
create index idx_attempts_at on noted.agent_write_attempts (workspace_id, created_at);

-- What people did to a text that an agent wrote. The texts outlive the note: they are what is learned from.
create table noted.agent_note_corrections (
  workspace_id uuid not null,
  id uuid not null default noted.new_id(),
  note_id uuid,
  user_id uuid not null,
  agent_model text,
  original_content text not null,
  -- Null where the note was deleted or disliked: nothing came in its place.
  corrected_content text,
  -- These three are null until the two texts are compared. That takes longer than the person who saves should wait, and nobody needs it before
  -- somebody asks: whoever does has it done.
  correction_type text,
  edit_distance integer,
  similarity double precision,
  -- Deleted at once.
  is_strong boolean not null default false,
  -- Of a dislike.
  reasons text[] not null default '{}',
  corrected_at timestamptz not null default now(),
  constraint agent_note_corrections_pkey primary key (workspace_id, id),
  constraint agent_note_corrections_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint agent_note_corrections_note_fkey foreign key (workspace_id, note_id) references noted.notes (workspace_id, id)
    on delete set null (note_id),
  constraint agent_note_corrections_type_known check (correction_type in (
    'syntax_fix', 'factual_correction', 'style_improvement', 'deletion', 'major_rewrite', 'user_dislike')),
  constraint agent_note_corrections_compared check (
    corrected_content is null or (correction_type is null) = (edit_distance is null) and (correction_type is null) = (similarity is null)),
  constraint agent_note_corrections_replaced check (
    (corrected_content is null) = (correction_type is not null and correction_type in ('deletion', 'user_dislike'))),
  constraint agent_note_corrections_distance_form check (edit_distance >= 0 and similarity between 0 and 1),
  constraint agent_note_corrections_strong_deletion check (not is_strong or correction_type = 'deletion'),
  constraint agent_note_corrections_reasons_known check (
    reasons <@ array['inaccurate', 'wrong_format', 'unhelpful', 'too_long'] and (reasons = '{}' or correction_type = 'user_dislike'))
);
do $$
begin
  alter table noted.agent_note_corrections alter column original_content set compression lz4;
  alter table noted.agent_note_corrections alter column corrected_content set compression lz4;
exception when feature_not_supported then null;
end $$;
create index idx_corrections_note on noted.agent_note_corrections (workspace_id, note_id);
create index idx_corrections_type on noted.agent_note_corrections (workspace_id, correction_type, corrected_at);
create index corrections_not_compared on noted.agent_note_corrections (workspace_id, id) where correction_type is null;

alter table noted.agent_write_attempts enable row level security, force row level security;
create policy agent_write_attempts_tenant on noted.agent_write_attempts using (workspace_id = auth.workspace_id());
alter table noted.agent_note_corrections enable row level security, force row level security;
create policy agent_note_corrections_tenant on noted.agent_note_corrections using (workspace_id = auth.workspace_id());
-- Attempts are added to and read, never changed; a dislike can be taken back.
grant select, insert on noted.agent_write_attempts to noted_api;
grant select, insert, update, delete on noted.agent_note_corrections to noted_api;

-- Equal texts are found without reading every note.
create index notes_text_live on noted.notes (workspace_id, content_sha256) where deleted_at is null;

-- Takes back the count of a request that the component will ask again: who sent it sent one. In the transaction that counted it, so the row is ours.
create function auth.uncount_request(caller auth.caller) returns void
language sql volatile
begin atomic
  update noted.rate_counters as counter set counts[1] = counter.counts[1] - 1
    where counter.workspace_id = (caller).workspace_id and counter.user_id = (caller).user_id
      and counter.slot = case when (caller).rate_limit < 1000 then 0 else pg_backend_pid() % 8 end;
end;

-- Completes what a component found of a text with what only the database knows: which note it is for, what that says now, and whether another
-- note of the workspace says the same.
create function sync.judge(caller auth.caller, p_judgement jsonb) returns jsonb
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

-- Notes down an attempt, as `sync.judge` completed it: one that failed, or one that was written to this note. What passed and then met another
-- writer is none: it says nothing about the text.
create function sync.record_attempt(caller auth.caller, p_note_id uuid, p_judgement jsonb) returns void
language plpgsql volatile as $$
declare
  v_failed constant boolean := p_judgement -> 'violations' <> '[]';
  v_is_retry boolean;
  v_version bigint;
begin
  select attempt.validation_status = 'failed' into v_is_retry from noted.agent_write_attempts as attempt
    where attempt.workspace_id = caller.workspace_id and attempt.key_id = caller.key_id
      and attempt.created_at > clock_timestamp() - interval '10 minutes'
      and (attempt.note_id = p_note_id or attempt.title = p_judgement ->> 'title')
    order by attempt.created_at desc, attempt.id desc limit 1;
  v_is_retry := coalesce(v_is_retry, false);
  if not v_failed and p_judgement ->> 'content_sha256' is distinct from p_judgement ->> 'replaces' then
    select note.version into v_version from noted.notes as note where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  end if;
  insert into noted.agent_write_attempts (
      workspace_id, note_id, key_id, title, agent_model, content_preview, content_sha256, validation_status, validation_errors, rag_context_ids,
      generated_at, is_retry, written_version)
    values (
      caller.workspace_id, p_note_id, caller.key_id, p_judgement ->> 'title', p_judgement ->> 'agent_model', p_judgement ->> 'preview',
      p_judgement ->> 'content_sha256', case when v_failed then 'failed' when v_is_retry then 'retried' else 'passed' end,
      p_judgement -> 'violations', array(select jsonb_array_elements_text(p_judgement -> 'rag_context_ids')),
      (p_judgement ->> 'generation_timestamp')::timestamptz, v_is_retry, v_version);
end $$;

-- The attempt that wrote the text which a note had at a version; null where a person wrote it. A revision in between with another text says
-- that somebody has written since; one with the same text was kept by a deletion that was taken back.
create function sync.agents_text(
  p_workspace_id uuid, p_note_id uuid, p_version bigint, p_content_sha256 text
) returns noted.agent_write_attempts
language plpgsql stable as $$
declare
  v_attempt noted.agent_write_attempts;
begin
  select attempt.* into v_attempt from noted.agent_write_attempts as attempt
    where attempt.workspace_id = p_workspace_id and attempt.note_id = p_note_id and attempt.written_version <= p_version
    order by attempt.written_version desc limit 1;
  if v_attempt.content_sha256 = p_content_sha256 and not exists (
    select from noted.note_revisions as revision
      where revision.workspace_id = p_workspace_id and revision.note_id = p_note_id
        and revision.version_number >= v_attempt.written_version and revision.version_number < p_version
        and revision.content_sha256 <> p_content_sha256)
  then
    return v_attempt;
  end if;
  return null;
end $$;

-- Notes down that a person has just replaced or deleted an agent's text, if it was one.
create function sync.record_correction(caller auth.caller, p_note_id uuid) returns void
language plpgsql volatile as $$
declare
  v_note record;
  v_attempt noted.agent_write_attempts;
  v_age interval;
begin
  -- Most notes are people's from the beginning: they cost one look into an index.
  perform from noted.agent_write_attempts as attempt
    where attempt.workspace_id = caller.workspace_id and attempt.note_id = p_note_id and attempt.written_version is not null limit 1;
  if not found then
    return;
  end if;
  -- The last version is kept if and only if this change has taken its text away.
  select note.deleted_at is not null as is_deleted, note.content, old.version_number, old.content as old_content, old.content_sha256 as old_hash
    into v_note
    from noted.notes as note
    join noted.note_revisions as old
      on old.workspace_id = note.workspace_id and old.note_id = note.id and old.version_number = note.version - 1
    where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  if not found then
    return;
  end if;
  v_attempt := sync.agents_text(caller.workspace_id, p_note_id, v_note.version_number, v_note.old_hash);
  if v_attempt.id is null then
    return;
  end if;
  v_age := clock_timestamp() - v_attempt.created_at;
  if not v_note.is_deleted then
    insert into noted.agent_note_corrections (workspace_id, note_id, user_id, agent_model, original_content, corrected_content)
      values (caller.workspace_id, p_note_id, caller.user_id, v_attempt.agent_model, v_note.old_content, v_note.content);
  elsif v_age <= interval '5 minutes' then
    -- Whoever deletes a text that has been there for longer is tidying up, and says nothing about how it was written.
    insert into noted.agent_note_corrections (
        workspace_id, note_id, user_id, agent_model, original_content, correction_type, edit_distance, similarity, is_strong)
      values (caller.workspace_id, p_note_id, caller.user_id, v_attempt.agent_model, v_note.old_content, 'deletion',
        char_length(v_note.old_content), 0, v_age <= interval '1 minute');
  end if;
end $$;

-- What follows from a note that was just written or deleted: search, and what is known of agents and their readers. A text that was judged is
-- an agent's; other texts of people replace somebody's.
create function sync.follow(caller auth.caller, p_note_id uuid, p_analysis jsonb) returns void
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
create function sync.lacks_judgement(caller auth.caller, p_analysis jsonb) returns boolean
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

grant execute on function auth.uncount_request, sync.judge, sync.record_attempt, sync.agents_text, sync.record_correction, sync.follow,
  sync.lacks_judgement to noted_api;
