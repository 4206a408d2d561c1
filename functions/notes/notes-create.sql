-- Creates a note. One call is one transaction.
--
-- Outcomes: created (body: the note without its text), replayed (the same, from an earlier request with this key), key_reused, path_taken
-- (body: the live note that has the path), no_folder; unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.notes_create(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text,
  p_title text, p_content text, p_content_sha256 text, p_path text, p_folder_id uuid, p_note_type text, p_source_metadata jsonb,
  p_file_metadata jsonb, p_analysis jsonb
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:write'], 'POST /v1/notes', p_idempotency_key, p_request_hash, p_origin, p_analysis);
  v_draft noted.notes;
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  end if;

  v_draft.last_sync_origin_id := v_change.origin;
  v_draft.title := p_title;
  v_draft.content := p_content;
  v_draft.content_sha256 := p_content_sha256;
  v_draft.ide_file_path := p_path;
  v_draft.folder_id := p_folder_id;
  v_draft.note_type := p_note_type;
  v_draft.source_metadata := p_source_metadata;
  v_draft.file_metadata := p_file_metadata;
  return sync.end_change(v_change, sync.create_note(v_change.caller, v_change.seq, v_draft), null, false);
end $$;
