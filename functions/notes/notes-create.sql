-- Creates a note. One call is one transaction.
--
-- Outcomes: created (body: the note without its text), replayed (the same, from an earlier request with this key), key_reused, path_taken
-- (body: the live note that has the path), no_folder; unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.notes_create(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text,
  p_title text, p_content text, p_content_sha256 text, p_path text, p_folder_id uuid, p_note_type text, p_source_metadata jsonb,
  p_file_metadata jsonb
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_endpoint constant text := 'POST /v1/notes';
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:write']);
  v_seq bigint;
  v_reply api.reply;
  v_draft noted.notes;
  v_written sync.written;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_seq := sync.lock_workspace(caller.workspace_id) + 1;

  v_reply := sync.replay(caller, p_idempotency_key, v_endpoint, p_request_hash);
  if v_reply.outcome is not null then
    return v_reply;
  end if;

  v_draft.last_sync_origin_id := auth.origin(caller, p_origin);
  v_draft.title := p_title;
  v_draft.content := p_content;
  v_draft.content_sha256 := p_content_sha256;
  v_draft.ide_file_path := p_path;
  v_draft.folder_id := p_folder_id;
  v_draft.note_type := p_note_type;
  v_draft.source_metadata := p_source_metadata;
  v_draft.file_metadata := p_file_metadata;
  v_written := sync.create_note(caller, v_seq, v_draft);
  v_reply := v_written.reply;
  if v_reply.outcome = 'created' then
    perform sync.count_written(caller.workspace_id, v_written.changes, v_written.live, v_written.synced, false);
    perform sync.remember(caller, p_idempotency_key, v_endpoint, p_request_hash, 201, v_reply.body);
  end if;
  return v_reply;
end $$;
