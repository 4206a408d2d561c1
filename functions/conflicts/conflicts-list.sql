-- A page of conflicts without their texts, oldest first. One call is one transaction.
--
-- Outcomes: listed (body: has_more, the last id and the page's entity tag; bulk: the conflicts as a JSON array), not_modified (body: the tag, which is
-- one of `p_known_tags`); unauthorized, wrong_workspace, missing_scope, rate_limited. Null conditions do not apply; `p_is_open` tells open and deferred ones from settled ones.
create or replace function api.conflicts_list(
  p_key_hash bytea, p_workspace_id uuid, p_note_id uuid, p_is_open boolean, p_after uuid, p_limit integer, p_bytes_max integer,
  p_known_tags text[]
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_ids uuid[];
  v_page record;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_ids := array(select conflict.id from noted.sync_conflicts as conflict
    where conflict.workspace_id = caller.workspace_id and conflict.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
      and (p_note_id is null or conflict.note_id = p_note_id)
      and (p_is_open is null or (conflict.resolved_at is null) = p_is_open)
    order by conflict.id limit p_limit + 1);
  select page.items, page.shown into v_page from sync.page(array(
    select sync.conflict_json(conflict, false)::text from noted.sync_conflicts as conflict
      where conflict.workspace_id = caller.workspace_id and conflict.id = any (v_ids) order by conflict.id), p_limit, p_bytes_max) as page;
  return sync.tagged(
    caller, jsonb_build_object('has_more', cardinality(v_ids) > v_page.shown, 'last_id', v_ids[v_page.shown]), v_page.items, p_known_tags);
end $$;
