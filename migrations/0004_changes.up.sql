-- The change feed: how far back it reaches, and how what lies further back is cleared away.

-- The highest place of a tombstone that was collected. Whoever last asked before it may hold a note whose deletion nobody can tell them any
-- more, and has to read everything again.
alter table noted.workspaces add column tombstone_horizon bigint not null default 0;
alter table noted.workspaces add constraint workspaces_horizon_reached check (tombstone_horizon between 0 and seq);

-- A time becomes a place in the feed by the last change before it, and that can be a deletion: so deleted notes are in this index too.
drop index noted.notes_updated_live;
create index notes_updated on noted.notes (workspace_id, updated_at);
-- Row security lets a collector see one workspace at a time, so that is how it searches.
drop index noted.idx_notes_deleted;
create index idx_notes_deleted on noted.notes (workspace_id, deleted_at) where deleted_at is not null;
drop index noted.idx_idempotent_created_at;
create index idx_idempotent_created_at on noted.idempotent_requests (workspace_id, created_at);

-- How long a deletion can still be told.
create function sync.tombstone_retention() returns interval
language sql immutable parallel safe
return interval '30 days';

-- A change as clients see it: the note, with its text or without, and when and by whom it was deleted. A tombstone's text is not given.
-- Glued as text before the note's own fields: a note can be large, is only passed on, and hundreds of them make a page.
create function sync.change_json(p_note noted.notes, p_with_content boolean) returns text
language sql stable
return '{"deleted_at": ' || coalesce(to_json(sync.instant((p_note).deleted_at))::text, 'null')
  || ', "deleted_by": ' || coalesce(to_json((p_note).deleted_by)::text, 'null')
  || ', ' || substr(sync.note_json(p_note, p_with_content and (p_note).deleted_at is null)::text, 2);

grant execute on function sync.tombstone_retention, sync.change_json to noted_api;

-- Deletes the oldest tombstones of one workspace that nobody needs any more, with their revisions: at most `p_limit`, so that its writers
-- do not wait long. Answers how many it was; fewer than the limit means that none is left.
create function sync.collect_tombstones(p_workspace_id uuid, p_limit integer) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_collected bigint;
  v_horizon bigint;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  -- Alone in the workspace, as every change of it: what is old stays deleted until it is gone.
  perform sync.lock_workspace(p_workspace_id);

  with old as (
    select note.id from noted.notes as note
      where note.workspace_id = p_workspace_id and note.deleted_at < now() - sync.tombstone_retention()
      order by note.deleted_at limit p_limit
  ), collected as (
    delete from noted.notes as note using old where note.workspace_id = p_workspace_id and note.id = old.id returning note.seq
  )
  select count(*), max(collected.seq) into v_collected, v_horizon from collected;

  -- In the same transaction: whoever no longer finds a tombstone finds the horizon behind it.
  update noted.workspaces as workspace set tombstone_horizon = greatest(workspace.tombstone_horizon, v_horizon)
    where workspace.id = p_workspace_id and v_collected > 0;
  return v_collected;
end $$;

-- Deletes remembered answers of one workspace that are too old to be given again, at most `p_limit`. Answers how many it was.
create function sync.prune_requests(p_workspace_id uuid, p_limit integer) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_pruned bigint;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  with old as (
    select request.idempotency_key, request.endpoint from noted.idempotent_requests as request
      where request.workspace_id = p_workspace_id and request.created_at <= now() - interval '24 hours'
      order by request.created_at limit p_limit
      -- A writer may be taking the key for a new request just now; then it is not old any more.
      for update skip locked
  ), pruned as (
    delete from noted.idempotent_requests as request using old
      where request.workspace_id = p_workspace_id and request.idempotency_key = old.idempotency_key and request.endpoint = old.endpoint
      returning 1
  )
  select count(*) into v_pruned from pruned;
  return v_pruned;
end $$;
