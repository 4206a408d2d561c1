-- What nobody needs any more is cleared away, by a job that goes from workspace to workspace.

-- When the collector comes next: once a day, or as soon as what it works at should be done. A new workspace has nothing to collect.
alter table noted.workspaces add column collect_at timestamptz not null default now() + interval '1 day';
create index workspaces_collect_at on noted.workspaces (collect_at);

-- How long it is kept what agents tried: a report compares a year with the year before.
create function sync.attempt_retention() returns interval
language sql immutable parallel safe
return interval '2 years';

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

-- Deletes counters of requests that are out of every window, at most `p_limit`. Answers how many it was.
create function auth.prune_counters(p_workspace_id uuid, p_limit integer) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_pruned bigint;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  with idle as (
    select counter.user_id, counter.slot from noted.rate_counters as counter
      where counter.workspace_id = p_workspace_id and counter.step < extract(epoch from now())::bigint / 5 - 13
      limit p_limit
      -- Who is counted just now waits for the workspace next, and that is ours.
      for update skip locked
  ), pruned as (
    delete from noted.rate_counters as counter using idle
      where counter.workspace_id = p_workspace_id and counter.user_id = idle.user_id and counter.slot = idle.slot returning 1
  )
  select count(*) into v_pruned from pruned;
  return v_pruned;
end $$;

-- Clears away what one workspace does not need any more: at most `p_texts_max` of what has texts and `p_rows_max` of the rest, so that its writers
-- do not wait long. Answers how many of each it was, and whether more may be left. In the name of the owner, because no request may delete
-- any of this.
create function sync.collect(p_workspace_id uuid, p_texts_max integer, p_rows_max integer) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_conflicts bigint;
  v_tombstones bigint;
  v_requests bigint;
  v_attempts bigint;
  v_counters bigint;
begin
  -- The first of them takes the workspace. Writers take it before they take any row of the others, so nobody waits in a circle.
  v_conflicts := sync.archive_conflicts(p_workspace_id, p_texts_max);
  v_tombstones := sync.collect_tombstones(p_workspace_id, p_texts_max);
  v_requests := sync.prune_requests(p_workspace_id, p_rows_max);
  v_attempts := sync.prune_attempts(p_workspace_id, p_rows_max);
  v_counters := auth.prune_counters(p_workspace_id, p_rows_max);
  return jsonb_build_object(
    'conflicts', v_conflicts, 'tombstones', v_tombstones, 'requests', v_requests, 'attempts', v_attempts, 'counters', v_counters,
    'has_more', greatest(v_conflicts, v_tombstones) >= p_texts_max or greatest(v_requests, v_attempts, v_counters) >= p_rows_max);
end $$;
grant execute on function sync.collect to noted_api;

-- The workspace that has waited longest for the collector; null if none is due. In the name of a role that sees all of them.
create function search.next_to_collect() returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select workspace.id from noted.workspaces as workspace where workspace.collect_at <= now() order by workspace.collect_at limit 1;
end;

-- Forgets questions and answers that are too old to be given again, at most `p_limit` of each. Answers how many of the one it was that had more.
drop function search.prune_answers();
create function search.prune_answers(p_limit integer) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_questions bigint;
  v_answers bigint;
begin
  delete from search.questions as question
    where (question.workspace_id, question.model, question.question_hash) in (
      select old.workspace_id, old.model, old.question_hash from search.questions as old
        where old.created_at < now() - interval '5 minutes' order by old.created_at limit p_limit for update skip locked);
  get diagnostics v_questions = row_count;
  delete from search.answers as answer
    where (answer.workspace_id, answer.request_hash) in (
      select old.workspace_id, old.request_hash from search.answers as old
        where old.created_at < now() - interval '1 minute' order by old.created_at limit p_limit for update skip locked);
  get diagnostics v_answers = row_count;
  return greatest(v_questions, v_answers);
end $$;

do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select oid::regprocedure from pg_proc
      where pronamespace = 'search'::regnamespace and proname in ('next_to_collect', 'prune_answers')
  loop
    execute format('revoke execute on function %s from public', v_function);
    execute format('grant execute on function %s to noted_api, noted_search', v_function);
    execute format('alter function %s owner to noted_search', v_function);
  end loop;
end $$;
