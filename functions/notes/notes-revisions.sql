-- The older texts of a note that are kept, newest first, without the texts. One call is one transaction.
--
-- Outcomes: listed (body: the version that the note has; bulk: the revisions as a JSON array), not_found; unauthorized, wrong_workspace,
-- missing_scope, rate_limited. A deleted note still has its revisions.
create or replace function api.notes_revisions(p_key_hash bytea, p_workspace_id uuid, p_note_id uuid, p_limit integer) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_version bigint;
  v_revisions json;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  select note.version into v_version from noted.notes as note where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  if not found then
    return auth.reply(caller, 'not_found');
  end if;
  select json_agg(newest.revision) into v_revisions from (
    select sync.version_json(row(
        revision.version_number, revision.title, revision.content, revision.content_sha256, revision.version_vector, revision.created_by,
        revision.created_at, sync.author(revision.author_key_id, revision.author_kind, revision.author_model))::sync.version, false) as revision
      from noted.note_revisions as revision
      where revision.workspace_id = caller.workspace_id and revision.note_id = p_note_id
      order by revision.version_number desc limit p_limit
  ) as newest;
  return auth.reply(caller, 'listed', v_version::text, coalesce(v_revisions, '[]')::text);
end $$;
