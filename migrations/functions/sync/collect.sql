-- What nobody needs any more is cleared away, one workspace at a time, in the name of the owner.

-- Clears away what one workspace does not need any more: at most `p_texts_max` of what has texts and `p_rows_max` of the rest, so that its writers
-- do not wait long. Answers how many of each it was, and whether more may be left. In the name of the owner, because no request may delete
-- any of this.
create function sync.collect(p_workspace_id uuid, p_texts_max integer, p_rows_max integer) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_conflicts bigint;
  v_ended bigint;
  v_tombstones bigint;
  v_requests bigint;
  v_attempts bigint;
  v_counters bigint;
begin
  -- The first of them takes the workspace. Writers take it before they take any row of the others, so nobody waits in a circle.
  v_conflicts := sync.archive_conflicts(p_workspace_id, p_texts_max);
  v_ended := sync.end_conflicts(p_workspace_id, p_texts_max);
  v_tombstones := sync.collect_tombstones(p_workspace_id, p_texts_max);
  v_requests := sync.prune_requests(p_workspace_id, p_rows_max);
  v_attempts := sync.prune_attempts(p_workspace_id, p_rows_max);
  v_counters := auth.prune_counters(p_workspace_id, p_rows_max);
  return jsonb_build_object(
    'conflicts', v_conflicts, 'ended', v_ended, 'tombstones', v_tombstones, 'requests', v_requests, 'attempts', v_attempts, 'counters', v_counters,
    'has_more', greatest(v_conflicts, v_ended, v_tombstones) >= p_texts_max or greatest(v_requests, v_attempts, v_counters) >= p_rows_max);
end $$;

-- Moves what happened to conflicts more than thirty days ago out of the way, at most `p_limit` conflicts. Answers how many it was.
create function sync.archive_conflicts(p_workspace_id uuid, p_limit integer) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_archived bigint;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  -- Alone in the workspace: a decision that is being made keeps its conflict here.
  perform sync.lock_workspace(p_workspace_id);
  with old as (
    select event.conflict_id from noted.sync_conflict_events as event
      where event.workspace_id = p_workspace_id
      group by event.conflict_id having max(event.at) < now() - interval '30 days'
      order by max(event.at) limit p_limit
  ), moved as (
    delete from noted.sync_conflict_events as event using old
      where event.workspace_id = p_workspace_id and event.conflict_id = old.conflict_id
      returning event.*
  ), kept as (
    insert into noted.sync_conflict_archive select moved.* from moved returning conflict_id
  )
  select count(distinct kept.conflict_id) into v_archived from kept;
  return v_archived;
end $$;

-- Deletes what happened to conflicts longer ago than the workspace keeps it, at most `p_limit` conflicts, and the texts that nothing names any more.
-- Answers how many it was.
create function sync.end_conflicts(p_workspace_id uuid, p_limit integer) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_ended bigint;
  v_notes uuid[];
  v_bytes bigint;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  perform sync.lock_workspace(p_workspace_id);
  with old as (
    select event.conflict_id from noted.sync_conflict_archive as event
      where event.workspace_id = p_workspace_id
      group by event.conflict_id
      having max(event.at) < now() - make_interval(days => (
        select workspace.conflict_retention_days from noted.workspaces as workspace where workspace.id = p_workspace_id))
      order by max(event.at) limit p_limit
  ), ended as (
    delete from noted.sync_conflict_archive as event using old
      where event.workspace_id = p_workspace_id and event.conflict_id = old.conflict_id
      returning event.conflict_id, event.note_id
  )
  select count(distinct ended.conflict_id), array_agg(distinct ended.note_id) into v_ended, v_notes from ended;
  with unnamed as (
    delete from noted.conflict_texts as text
      where text.workspace_id = p_workspace_id and text.note_id = any (v_notes)
        and not exists (
          select from noted.sync_conflict_events as event
            where event.workspace_id = p_workspace_id and event.note_id = text.note_id
              and text.content_sha256 in (event.ide_content_sha256, event.noted_content_sha256, event.merged_content_sha256))
        and not exists (
          select from noted.sync_conflict_archive as event
            where event.workspace_id = p_workspace_id and event.note_id = text.note_id
              and text.content_sha256 in (event.ide_content_sha256, event.noted_content_sha256, event.merged_content_sha256))
      returning octet_length(text.content) as bytes
  )
  select coalesce(sum(unnamed.bytes), 0) into v_bytes from unnamed;
  perform sync.count_bytes(p_workspace_id, -v_bytes);
  return v_ended;
end $$;

-- Deletes the oldest tombstones of one workspace that nobody needs any more, with their revisions: at most `p_limit`, so that its writers
-- do not wait long. Answers how many it was; fewer than the limit means that none is left.
create function sync.collect_tombstones(p_workspace_id uuid, p_limit integer) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_collected bigint;
  v_horizon bigint;
  v_bytes bigint;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  -- Alone in the workspace, as every change of it: what is old stays deleted until it is gone.
  perform sync.lock_workspace(p_workspace_id);

  with old as (
    select note.id, octet_length(note.content) + (
          select coalesce(sum(octet_length(revision.content)), 0) from noted.note_revisions as revision
            where revision.workspace_id = p_workspace_id and revision.note_id = note.id) as bytes
      from noted.notes as note
      where note.workspace_id = p_workspace_id and note.deleted_at < now() - sync.tombstone_retention()
      order by note.deleted_at limit p_limit
  ), collected as (
    delete from noted.notes as note using old where note.workspace_id = p_workspace_id and note.id = old.id returning note.seq, old.bytes
  )
  select count(*), max(collected.seq), coalesce(sum(collected.bytes), 0) into v_collected, v_horizon, v_bytes from collected;
  perform sync.count_bytes(p_workspace_id, -v_bytes);

  -- In the same transaction: whoever no longer finds a tombstone finds the horizon behind it.
  update noted.workspaces as workspace set tombstone_horizon = greatest(workspace.tombstone_horizon, v_horizon)
    where workspace.id = p_workspace_id and v_collected > 0;
  return v_collected;
end $$;

-- How long a deletion can still be told.
create function sync.tombstone_retention() returns interval
language sql immutable parallel safe
return interval '30 days';

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

-- Deletes the oldest attempts of one workspace that are too old, at most `p_limit`, but never the one that wrote the text which a note may still
-- have: from it is known that an agent wrote it. Answers how many it was.
create function sync.prune_attempts(p_workspace_id uuid, p_limit integer) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_pruned bigint;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  with old as (
    select attempt.id from noted.agent_write_attempts as attempt
      where attempt.workspace_id = p_workspace_id and attempt.created_at < now() - sync.attempt_retention()
        and (attempt.note_id is null or attempt.written_version is null or exists (
          select from noted.agent_write_attempts as later
            where later.workspace_id = p_workspace_id and later.note_id = attempt.note_id and later.written_version > attempt.written_version))
      order by attempt.created_at limit p_limit
  ), pruned as (
    delete from noted.agent_write_attempts as attempt using old
      where attempt.workspace_id = p_workspace_id and attempt.id = old.id returning 1
  )
  select count(*) into v_pruned from pruned;
  return v_pruned;
end $$;

-- How long it is kept what agents tried: a report compares a year with the year before.
create function sync.attempt_retention() returns interval
language sql immutable parallel safe
return interval '2 years';

grant execute on function sync.collect, sync.tombstone_retention to noted_api;
