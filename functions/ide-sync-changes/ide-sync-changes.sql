-- What changed in a workspace after a place in the order of its changes. One call is one transaction.
--
-- Outcomes: changed (body: where the page ended and whether more follow; bulk: the changes as a JSON array), foreign_cursor,
-- full_resync (body: why); unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- A cursor is a workspace, an epoch, the place up to which its holder has seen everything, and the floor: up to there a deletion means
-- nothing to the holder, either because they have seen it or because they began later and never had the note. Null cursor and null
-- `p_since` begin at the beginning. A page ends early rather than hold more than `p_bytes_max`, but it always holds one change.
create or replace function api.ide_sync_changes(
  p_key_hash bytea, p_workspace_id uuid, p_cursor_workspace uuid, p_cursor_epoch uuid, p_cursor_seq bigint, p_cursor_floor bigint,
  p_since timestamptz, p_limit integer, p_bytes_max integer, p_with_content boolean
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read', 'ide:sync']);
  v_after bigint := coalesce(p_cursor_seq, 0);
  v_floor bigint;
  v_epoch uuid;
  v_seq bigint;
  v_horizon bigint;
  v_created_at timestamptz;
  v_last bigint;
  v_found bigint;
  v_places bigint[];
  v_items text[];
  v_page record;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  elsif p_cursor_workspace <> caller.workspace_id then
    return auth.reply(caller, 'foreign_cursor');
  end if;

  -- The place of a time: behind the last change before it. Where that note has changed again, an earlier one, which only shows more.
  if p_since is not null then
    v_after := coalesce((
      select note.seq from noted.notes as note
        where note.workspace_id = caller.workspace_id and note.updated_at < p_since
        order by note.updated_at desc limit 1), 0);
  end if;

  -- One statement, and so one snapshot: a tombstone that is collected at this moment is either on the page or behind the horizon.
  with found as materialized (
    -- One more than fits, to know whether more follow.
    select note.seq, case when p_with_content and note.deleted_at is null then octet_length(note.content) else 0 end as bytes
      from noted.notes as note
      where note.workspace_id = caller.workspace_id and note.seq > v_after
      order by note.seq limit p_limit + 1
  ), page as materialized (
    -- What does not fit by the size of its text, which is known without reading it, is not read.
    select sized.seq from (
      select found.seq, row_number() over in_order as place, sum(found.bytes) over in_order as bytes
        from found window in_order as (order by found.seq)
    ) as sized
    where sized.place = 1 or (sized.place <= p_limit and sized.bytes <= p_bytes_max)
  )
  select workspace.epoch, workspace.seq, workspace.tombstone_horizon, workspace.created_at, (select count(*) from found),
      array(select page.seq from page order by page.seq), array(
        select sync.change_json(note, p_with_content)
          from page join noted.notes as note on note.workspace_id = caller.workspace_id and note.seq = page.seq order by page.seq)
    into strict v_epoch, v_seq, v_horizon, v_created_at, v_found, v_places, v_items
    from noted.workspaces as workspace where workspace.id = caller.workspace_id;

  v_floor := case
    when p_cursor_floor is not null then p_cursor_floor
    -- Whoever begins at the beginning never had what was deleted before.
    when p_since is null or p_since < v_created_at then v_seq
    -- Nothing that was deleted after such a time can have been collected.
    when p_since >= now() - sync.tombstone_retention() then greatest(v_after, v_horizon)
    else v_after
  end;
  -- A place that has not been reached was given out by a database that has since been set back, whatever its epoch says.
  if p_cursor_epoch <> v_epoch or v_floor > v_seq then
    return auth.reply(caller, 'full_resync', '"database_restored"');
  elsif v_floor < v_horizon then
    return auth.reply(caller, 'full_resync', '"tombstones_collected"');
  end if;

  select page.items, page.shown into v_page from sync.page(v_items, p_limit, p_bytes_max) as page;
  -- At the end, everything has been seen up to the last change, even if its note has been collected.
  v_last := case when v_found > v_page.shown then v_places[v_page.shown] else v_seq end;
  return auth.reply(caller, 'changed',
    json_build_object('workspace_id', caller.workspace_id, 'epoch', v_epoch, 'seq', v_last, 'floor', greatest(v_floor, v_last),
      'has_more', v_found > v_page.shown)::text,
    v_page.items);
end $$;
