-- Keeps what a person thinks of an agent's note. One call is one transaction.
--
-- Outcomes: stored, not_found, not_agents (a person wrote the text that the note has now), wrong_kind (agents do not judge); unauthorized,
-- wrong_workspace, missing_scope, rate_limited. A person has one opinion of a note: the last one counts, and a good one only takes back a bad one.
create or replace function api.agent_feedback(
  p_key_hash bytea, p_workspace_id uuid, p_note_id uuid, p_is_good boolean, p_reasons text[]
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:write'], 'POST /v1/agent/feedback', null, null, null, null);
  v_note noted.notes;
  v_attempt noted.agent_write_attempts;
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  elsif (v_change.caller).kind not in ('user', 'ide') then
    return auth.reply(v_change.caller, 'wrong_kind');
  end if;
  select note.* into v_note from noted.notes as note
    where note.workspace_id = (v_change.caller).workspace_id and note.id = p_note_id and note.deleted_at is null;
  if not found then
    return auth.reply(v_change.caller, 'not_found');
  end if;
  v_attempt := sync.agents_text(v_note.workspace_id, v_note.id, v_note.version, v_note.content_sha256);
  if v_attempt.id is null then
    return auth.reply(v_change.caller, 'not_agents');
  end if;

  delete from noted.agent_note_corrections as correction
    where correction.workspace_id = v_note.workspace_id and correction.note_id = v_note.id
      and correction.user_id = (v_change.caller).user_id and correction.correction_type = 'user_dislike';
  if not p_is_good then
    insert into noted.agent_note_corrections (workspace_id, note_id, user_id, agent_model, original_content, correction_type, reasons)
      values (
        v_note.workspace_id, v_note.id, (v_change.caller).user_id, v_attempt.agent_model, v_note.content, 'user_dislike', p_reasons);
  end if;
  return auth.reply(v_change.caller, 'stored');
end $$;
