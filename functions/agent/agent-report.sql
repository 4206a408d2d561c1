-- Says how agents' writing goes, in a window of time and in the one of the same length before it. One call is one transaction.
--
-- Outcomes: read (body: both windows, and how many corrections were not compared yet); unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- A null `p_since` stands for a week ago, and none is further away than a year. A share of nothing is null. A retry is an attempt after a failed one at the same note or title, within ten minutes.
create or replace function api.agent_report(p_key_hash bytea, p_workspace_id uuid, p_since timestamptz) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_since constant timestamptz := greatest(least(coalesce(p_since, now() - interval '7 days'), now()), now() - interval '1 year');
  v_windows json;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  with bounds (name, begins, ends) as (
    values ('window', v_since, now()), ('before', v_since - (now() - v_since), v_since)
  ), written as (
    select bounds.name, count(attempt.id) as attempts,
        count(*) filter (where attempt.validation_status = 'failed') as failed,
        count(*) filter (where attempt.is_retry) as retries,
        count(*) filter (where attempt.validation_status = 'retried') as retried,
        count(*) filter (where attempt.written_version is not null) as texts
      from bounds
      left join noted.agent_write_attempts as attempt
        on attempt.workspace_id = caller.workspace_id and attempt.created_at >= bounds.begins and attempt.created_at < bounds.ends
      group by bounds.name
  ), broken as (
    select counted.name, json_object_agg(counted.rule, counted.times order by counted.rule) as rules
      from (
        select bounds.name, error ->> 'rule' as rule, count(distinct attempt.id) as times
          from bounds
          join noted.agent_write_attempts as attempt
            on attempt.workspace_id = caller.workspace_id and attempt.created_at >= bounds.begins and attempt.created_at < bounds.ends
          cross join jsonb_array_elements(attempt.validation_errors) as error
          group by bounds.name, error ->> 'rule'
      ) as counted
      group by counted.name
  ), corrected as (
    select counted.name, sum(counted.times) as times,
        json_object_agg(counted.type, json_build_object(
          'count', counted.times, 'rate', round(counted.times::numeric / nullif(written.texts, 0), 4)) order by counted.type) as types
      from (
        select bounds.name, coalesce(correction.correction_type, 'not_compared') as type, count(*) as times
          from bounds
          join noted.agent_note_corrections as correction
            on correction.workspace_id = caller.workspace_id and correction.corrected_at >= bounds.begins
              and correction.corrected_at < bounds.ends
          group by bounds.name, type
      ) as counted
      join written on written.name = counted.name
      group by counted.name
  )
  select json_object_agg(bounds.name, json_build_object(
      'begins', sync.instant(bounds.begins),
      'ends', sync.instant(bounds.ends),
      'attempts', written.attempts,
      'failed', written.failed,
      'texts_written', written.texts,
      'success_rate', round((written.attempts - written.failed)::numeric / nullif(written.attempts, 0), 4),
      'failures_by_rule', coalesce(broken.rules, '{}'),
      'retries', written.retries,
      'auto_retry_success_rate', round(written.retried::numeric / nullif(written.retries, 0), 4),
      'corrections', coalesce(corrected.times, 0),
      'correction_rate', round(coalesce(corrected.times, 0)::numeric / nullif(written.texts, 0), 4),
      'corrections_by_type', coalesce(corrected.types, '{}')))
    into v_windows
    from bounds
    join written on written.name = bounds.name
    left join broken on broken.name = bounds.name
    left join corrected on corrected.name = bounds.name;
  return auth.reply(caller, 'read', v_windows::text);
end $$;
