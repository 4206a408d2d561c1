-- Changes a note: all of it, some of it, back to an earlier text, or back from deletion. One call is one transaction.
--
-- Outcomes: updated and unchanged (body: the note, with its text unless the text was sent), replayed, key_reused, not_found, gone,
-- version_mismatch, names_no_version, type_differs (body: the type that the note has, which is none of `p_note_types`), no_revision, path_taken,
-- no_folder; unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- Null keeps what is there, except for path and folder, which have flags. A null `p_if_version` takes any version, unless the caller is an agent; a
-- null idempotency key is fine. With `p_revision` title and text are those of that version.
create or replace function api.notes_edit(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_endpoint text, p_origin text,
  p_note_id uuid, p_if_version bigint, p_title text, p_content text, p_content_sha256 text, p_sets_path boolean, p_path text,
  p_sets_folder boolean, p_folder_id uuid, p_note_types text[], p_source_metadata jsonb, p_tags text[], p_file_metadata jsonb,
  p_restores boolean, p_revision bigint, p_analysis jsonb
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:write'], p_endpoint, p_idempotency_key, p_request_hash, p_origin, p_analysis);
  v_type text;
  v_source jsonb;
  v_version sync.version;
  v_edit sync.edit;
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  elsif (v_change.caller).kind = 'agent' and p_if_version is null and not p_restores then
    return auth.reply(v_change.caller, 'names_no_version');
  end if;
  select note.note_type, note.source_metadata into v_type, v_source
    from noted.notes as note where note.workspace_id = (v_change.caller).workspace_id and note.id = p_note_id;
  if v_type <> all (p_note_types) then
    return auth.reply(v_change.caller, 'type_differs', to_json(v_type)::text);
  end if;

  v_edit.origin := v_change.origin;
  v_edit.if_version := p_if_version;
  v_edit.title := p_title;
  v_edit.content := p_content;
  v_edit.content_sha256 := p_content_sha256;
  if p_revision is not null and v_type is not null then
    v_version := sync.version_of((v_change.caller).workspace_id, p_note_id, p_revision);
    if v_version.version_number is null then
      return auth.reply(v_change.caller, 'no_revision');
    end if;
    v_edit.title := v_version.title;
    v_edit.content := v_version.content;
    v_edit.content_sha256 := v_version.content_sha256;
  end if;
  v_edit.sets_path := p_sets_path;
  v_edit.path := p_path;
  v_edit.sets_folder := p_sets_folder;
  v_edit.folder_id := p_folder_id;
  v_edit.source_metadata := case
    when p_tags is null then p_source_metadata
    else coalesce(p_source_metadata, v_source) || jsonb_build_object('tags', p_tags) end;
  v_edit.file_metadata := p_file_metadata;
  v_edit.restores := p_restores;
  v_edit.wants_content := p_content is null;
  return sync.end_change(v_change, sync.edit_note(v_change.caller, v_change.seq, p_note_id, v_edit), p_note_id, false);
end $$;
