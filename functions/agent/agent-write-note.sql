-- Writes a note for an agent: makes one, or replaces the text of one. One call is one transaction.
--
-- Outcomes: created and updated and unchanged (body: the note without its text), replayed, key_reused, wrong_kind, not_judged (body: the rules),
-- not_compared (body: a model), rule_broken (body: the violations), not_found, gone, version_mismatch,
-- names_no_version, path_taken, no_folder; unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- With a null `p_note_id` a note is made; a null title, path or folder keeps the one that is there. The analysis always brings a judgement: whoever comes by this
-- route, a person's key too, writes for an agent.
create or replace function api.agent_write_note(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text, p_note_id uuid, p_if_version bigint,
  p_title text, p_content text, p_content_sha256 text, p_path text, p_folder_id uuid, p_source_metadata jsonb, p_analysis jsonb
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:write'], 'POST /v1/agent/write-note', p_idempotency_key, p_request_hash, p_origin, p_analysis);
  v_draft noted.notes;
  v_edit sync.edit;
  v_written sync.written;
begin
  if (v_change.caller).outcome = 'entered' and (v_change.caller).kind not in ('agent', 'user') then
    return auth.reply(v_change.caller, 'wrong_kind');
  elsif (v_change.reply).outcome is not null then
    return v_change.reply;
  elsif (v_change.caller).kind = 'agent' and p_note_id is not null and p_if_version is null then
    return auth.reply(v_change.caller, 'names_no_version');
  end if;

  if p_note_id is null then
    v_draft.last_sync_origin_id := v_change.origin;
    v_draft.title := p_title;
    v_draft.content := p_content;
    v_draft.content_sha256 := p_content_sha256;
    v_draft.ide_file_path := p_path;
    v_draft.folder_id := p_folder_id;
    v_draft.note_type := 'agent_generated';
    v_draft.source_metadata := p_source_metadata;
    v_draft.file_metadata := '{}';
    v_written := sync.create_note(v_change.caller, v_change.seq, v_draft);
  else
    v_edit.origin := v_change.origin;
    v_edit.if_version := p_if_version;
    v_edit.title := p_title;
    v_edit.content := p_content;
    v_edit.content_sha256 := p_content_sha256;
    v_edit.sets_path := p_path is not null;
    v_edit.path := p_path;
    v_edit.sets_folder := p_folder_id is not null;
    v_edit.folder_id := p_folder_id;
    v_edit.source_metadata := (
      select case
          -- What a note says of its agent is of the one that wrote its text. Its tags stay, unless there are new ones.
          when note.note_type = 'agent_generated' and note.content_sha256 <> p_content_sha256 then
            note.source_metadata - array['agent_model', 'agent_name', 'agent_version', 'generation_prompt', 'confidence_score'] || p_source_metadata
          when p_source_metadata ? 'tags' then note.source_metadata || jsonb_build_object('tags', p_source_metadata -> 'tags')
        end
        from noted.notes as note where note.workspace_id = (v_change.caller).workspace_id and note.id = p_note_id);
    v_written := sync.edit_note(v_change.caller, v_change.seq, p_note_id, v_edit);
  end if;
  return sync.end_change(v_change, v_written, p_note_id, false);
end $$;
