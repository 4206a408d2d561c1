-- Replaces a note's text, and with it whatever else the file says. One call is one transaction.
--
-- Outcomes: updated (body: the note without its text), unchanged (the same; nothing was new), replayed, key_reused, not_found, gone (body:
-- when, by whom, its version, its vector and the conflict's id), version_mismatch (body: the version that the note has), conflict (body: the
-- version that the sender has not seen, the conflict's id, and what both grew from), path_taken, no_folder; unauthorized, wrong_workspace,
-- missing_scope, rate_limited.
--
-- A null title, path or file metadata keeps what is there; so does a false `p_sets_folder` for the folder, which may be set to null.
-- `p_decided_by` is 'auto' for a text that was merged here; the sender does not have it, so the body then holds it.
create or replace function api.ide_sync_update(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text,
  p_note_id uuid, p_version_vector jsonb, p_if_version bigint, p_if_updated_at timestamptz,
  p_content text, p_content_sha256 text, p_ide_last_modified timestamptz,
  p_title text, p_path text, p_sets_folder boolean, p_folder_id uuid, p_file_metadata jsonb, p_restores boolean, p_decided_by text,
  p_analysis jsonb
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:write', 'ide:sync'], 'PUT /v1/ide-sync/update/' || p_note_id, p_idempotency_key, p_request_hash, p_origin, p_analysis);
  v_edit sync.edit;
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  end if;

  v_edit.origin := v_change.origin;
  v_edit.version_vector := p_version_vector;
  v_edit.if_version := p_if_version;
  v_edit.if_updated_at := p_if_updated_at;
  v_edit.title := p_title;
  v_edit.content := p_content;
  v_edit.content_sha256 := p_content_sha256;
  v_edit.sets_path := p_path is not null;
  v_edit.path := p_path;
  v_edit.sets_folder := p_sets_folder;
  v_edit.folder_id := p_folder_id;
  v_edit.file_metadata := p_file_metadata;
  v_edit.ide_last_modified := p_ide_last_modified;
  v_edit.restores := p_restores;
  v_edit.wants_content := p_decided_by = 'auto';
  v_edit.decided_by := p_decided_by;
  return sync.end_change(v_change, sync.edit_note(v_change.caller, v_change.seq, p_note_id, v_edit), p_note_id, true);
end $$;
