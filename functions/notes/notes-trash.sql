-- A page of deleted notes that can still be brought back, the last deleted first. One call is one transaction.
--
-- Outcomes: listed (body: has_more, the last place and the page's entity tag; bulk: the notes as a JSON array), not_modified (body: the tag, which is
-- one of `p_known_tags`); unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.notes_trash(
  p_key_hash bytea, p_workspace_id uuid, p_before bigint, p_limit integer, p_bytes_max integer, p_known_tags text[]
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_places bigint[];
  v_page record;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_places := array(select note.seq from noted.notes as note
    where note.workspace_id = caller.workspace_id and note.deleted_at is not null and note.seq < coalesce(p_before, 9223372036854775807)
    order by note.seq desc limit p_limit + 1);
  select page.items, page.shown into v_page from sync.page(array(
    select sync.trash_json(note)::text from unnest(v_places) as place
      join noted.notes as note on note.workspace_id = caller.workspace_id and note.seq = place
      order by place desc), p_limit, p_bytes_max) as page;
  return sync.tagged(
    caller, jsonb_build_object('has_more', cardinality(v_places) > v_page.shown, 'last_place', v_places[v_page.shown]), v_page.items, p_known_tags);
end $$;
