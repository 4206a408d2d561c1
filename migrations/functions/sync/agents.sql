-- What agents are held to, and what is known of what they wrote.

-- The rules of a workspace, as components read them.
create function sync.agent_rules(p_workspace_id uuid) returns jsonb
language sql stable
return (
  select jsonb_build_object('bytes_max', workspace.agent_note_bytes_max, 'refused_words', workspace.agent_refused_words)
    from noted.workspaces as workspace where workspace.id = p_workspace_id);

-- Sets the rules of a workspace, and answers them; what is null stays as it is. Whoever calls it has made sure that somebody may decide that.
create function sync.set_agent_rules(p_workspace_id uuid, p_bytes_max integer, p_refused_words text[]) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  perform sync.lock_workspace(p_workspace_id);
  update noted.workspaces as workspace
    set agent_note_bytes_max = coalesce(p_bytes_max, workspace.agent_note_bytes_max),
        agent_refused_words = coalesce(p_refused_words, workspace.agent_refused_words)
    where workspace.id = p_workspace_id;
  return sync.agent_rules(p_workspace_id);
end $$;

-- Whether an analysis is of a text that an agent sent and no rule was asked about, or not the rules of this workspace.
create function sync.lacks_judgement(caller auth.caller, p_analysis jsonb) returns boolean
language sql stable
return coalesce(case
  when p_analysis ? 'judgement' then
    (caller).kind in ('agent', 'user') and p_analysis #> '{judgement,rules}' is distinct from sync.agent_rules((caller).workspace_id)
  else (caller).kind = 'agent' and p_analysis -> 'texts' <> '{}'
end, false);

-- Completes what a component found of a text with what only the database knows: which note it is for, what that says now, and whether another
-- note of the workspace says the same. `compare_by` names the model whose vectors are still needed to tell.
create function sync.judge(caller auth.caller, p_judgement jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_note record;
  v_likeness constant jsonb := p_judgement -> 'likeness';
  v_similar text;
  v_compare_by text;
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
    if v_similar is null and v_likeness -> 'embeddings' <> '[]' then
      v_similar := search.similar_note(
        caller.workspace_id, v_likeness ->> 'model', array(
          select fetched.embedding from jsonb_array_elements_text(v_likeness -> 'embeddings') with ordinality as fetched (embedding, place)
            order by fetched.place), v_note.id);
    elsif v_similar is null and v_violations = '[]' and v_likeness -> 'model' = 'null' then
      v_compare_by := search.comparable_by(caller.workspace_id);
    end if;
    if v_similar is not null then
      v_violations := v_violations || jsonb_build_object(
        'rule', 'duplicate_detection', 'message', case when auth.may_read(caller) then 'Similar note already exists: ' || v_similar else 'A similar note already exists' end, 'line', null, 'recoverable', true);
    end if;
  end if;
  return p_judgement || jsonb_build_object(
    'note_id', v_note.id, 'title', coalesce(p_judgement ->> 'title', v_note.title), 'replaces', v_note.content_sha256,
    'violations', v_violations, 'compare_by', v_compare_by);
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

grant execute on function sync.agent_rules, sync.set_agent_rules, sync.lacks_judgement, sync.judge, sync.record_attempt, sync.agents_text, sync.record_correction
  to noted_api;
