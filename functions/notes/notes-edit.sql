-- Changes a note: all of it, some of it, back to an earlier text, or back from deletion. One call is one transaction.
--
-- Outcomes: updated and unchanged (body: the note, with its text unless the text was sent), replayed, key_reused, not_found, gone,
-- version_mismatch, type_differs (body: the type that the note has), no_revision, path_taken, no_folder; unauthorized, wrong_workspace,
-- missing_scope, rate_limited.
--
-- Null keeps what is there, except for path and folder, which have flags. A null `p_if_version` takes any version, a null idempotency key is
-- fine. With `p_revision` title and text are those of that version.
create or replace function api.notes_edit(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_endpoint text, p_origin text,
  p_note_id uuid, p_if_version bigint, p_title text, p_content text, p_content_sha256 text, p_sets_path boolean, p_path text,
  p_sets_folder boolean, p_folder_id uuid, p_note_type text, p_source_metadata jsonb, p_file_metadata jsonb, p_restores boolean, p_revision bigint
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:write']);
  v_seq bigint;
  v_reply api.reply;
  v_type text;
  v_version sync.version;
  v_edit sync.edit;
  v_written sync.written;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_seq := sync.lock_workspace(caller.workspace_id) + 1;

  v_reply := sync.replay(caller, p_idempotency_key, p_endpoint, p_request_hash);
  if v_reply.outcome is not null then
    return v_reply;
  end if;
  select note.note_type into v_type from noted.notes as note where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  if v_type <> p_note_type then
    return auth.reply(caller, 'type_differs', to_json(v_type)::text);
  end if;

  v_edit.origin := auth.origin(caller, p_origin);
  v_edit.if_version := p_if_version;
  v_edit.title := p_title;
  v_edit.content := p_content;
  v_edit.content_sha256 := p_content_sha256;
  if p_revision is not null and v_type is not null then
    v_version := sync.version_of(caller.workspace_id, p_note_id, p_revision);
    if v_version.version_number is null then
      return auth.reply(caller, 'no_revision');
    end if;
    v_edit.title := v_version.title;
    v_edit.content := v_version.content;
    v_edit.content_sha256 := v_version.content_sha256;
  end if;
  v_edit.sets_path := p_sets_path;
  v_edit.path := p_path;
  v_edit.sets_folder := p_sets_folder;
  v_edit.folder_id := p_folder_id;
  v_edit.source_metadata := p_source_metadata;
  v_edit.file_metadata := p_file_metadata;
  v_edit.restores := p_restores;
  v_edit.wants_content := p_content is null;
  v_written := sync.edit_note(caller, v_seq, p_note_id, v_edit);
  v_reply := v_written.reply;
  if v_reply.outcome in ('updated', 'unchanged') then
    perform sync.count_written(caller.workspace_id, v_written.changes, v_written.live, v_written.synced, false);
    if p_idempotency_key is not null then
      perform sync.remember(caller, p_idempotency_key, p_endpoint, p_request_hash, 200, v_reply.body);
    end if;
  end if;
  return v_reply;
end $$;
