-- One note. One call is one transaction.
--
-- Outcomes: read (body: its state; bulk: the note with its text), not_modified (body: its state, which is one of `p_known_states`), not_found,
-- gone (body: when, by whom, its version and vector); unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.notes_read(p_key_hash bytea, p_workspace_id uuid, p_note_id uuid, p_known_states text[]) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_note noted.notes;
  v_embedding search.embedding;
  -- Its version, and what changes without one.
  v_state text;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  select note.* into v_note from noted.notes as note where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  if not found then
    return auth.reply(caller, 'not_found');
  elsif v_note.deleted_at is not null then
    return auth.reply(caller, 'gone', sync.gone_json(v_note, null)::text);
  end if;
  v_embedding := search.embedding_of(caller.workspace_id, p_note_id);
  v_state := v_note.version || sync.embedding_mark(v_embedding);
  if v_state = any (p_known_states) then
    return auth.reply(caller, 'not_modified', to_json(v_state)::text);
  end if;
  return auth.reply(caller, 'read', to_json(v_state)::text, sync.with_embedding(sync.note_json(v_note, true)::text, v_embedding));
end $$;
