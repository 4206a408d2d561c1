-- A page of the older texts of a note that are kept, newest first, without the texts. One call is one transaction.
--
-- Outcomes: listed (body: the version that the note has, has_more, the last number and the page's entity tag; bulk: the revisions as a JSON array),
-- not_modified (body: the tag, which is one of `p_known_tags`), not_found; unauthorized, wrong_workspace, missing_scope, rate_limited. A deleted note
-- still has its revisions.
create or replace function api.notes_revisions(
  p_key_hash bytea, p_workspace_id uuid, p_note_id uuid, p_before bigint, p_limit integer, p_bytes_max integer, p_known_tags text[]
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_version bigint;
  v_numbers bigint[];
  v_page record;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  select note.version into v_version from noted.notes as note where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  if not found then
    return auth.reply(caller, 'not_found');
  end if;
  v_numbers := array(select revision.version_number from noted.note_revisions as revision
    where revision.workspace_id = caller.workspace_id and revision.note_id = p_note_id
      and revision.version_number < coalesce(p_before, 9223372036854775807)
    order by revision.version_number desc limit p_limit + 1);
  select page.items, page.shown into v_page from sync.page(array(
    select sync.version_json(row(
        revision.version_number, revision.title, revision.content, revision.content_sha256, revision.version_vector, revision.created_by,
        revision.created_at, sync.author(revision.author_key_id, revision.author_kind, revision.author_model))::sync.version, false)::text
      from noted.note_revisions as revision
      where revision.workspace_id = caller.workspace_id and revision.note_id = p_note_id and revision.version_number = any (v_numbers)
      order by revision.version_number desc), p_limit, p_bytes_max) as page;
  return sync.tagged(
    caller, jsonb_build_object(
      'current_version', v_version, 'has_more', cardinality(v_numbers) > v_page.shown, 'last_version', v_numbers[v_page.shown]),
    v_page.items, p_known_tags);
end $$;
