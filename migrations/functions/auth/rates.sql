-- What a tier bounds: how many requests a caller may make, counted in steps of five seconds, and how much a workspace may keep.

-- Requests a minute by tier; null is not counted.
create function auth.rate_limit(p_tier text) returns integer
language sql immutable
return case p_tier when 'free' then 100 when 'pro' then 200 when 'dev' then 60000 end;

-- Bytes of texts that a workspace may keep, by tier; null is not bounded.
create function auth.bytes_max(p_tier text) returns bigint
language sql immutable
return case p_tier when 'free' then 1073741824 when 'pro' then 21474836480 end;

-- Counts one request, unless that would make more than the limit in any sixty seconds: thirteen steps of five always cover them.
create function auth.count_request(inout caller auth.caller) returns auth.caller
language plpgsql volatile as $$
declare
  v_steps constant bigint := 13;
  v_step constant bigint := extract(epoch from clock_timestamp())::bigint / 5;
  -- A small limit is kept exactly, in one row that each request waits for. A large one is spread over rows, so that a user's parallel
  -- requests do not wait for one another; each then sees the others a moment late.
  v_is_exact constant boolean := caller.rate_limit < 1000;
  v_slot constant smallint := case when v_is_exact then 0 else pg_backend_pid() % 8 end;
  v_total bigint;
  v_oldest bigint;
begin
  if v_is_exact then
    perform from noted.rate_counters as counter
      where counter.workspace_id = caller.workspace_id and counter.user_id = caller.user_id and counter.slot = v_slot
      for no key update;
  end if;
  select coalesce(sum(counted.hits), 0), coalesce(max(counted.place + v_step - counter.step) filter (where counted.hits > 0), 1)
    into v_total, v_oldest
    from noted.rate_counters as counter, unnest(counter.counts) with ordinality as counted (hits, place)
    where counter.workspace_id = caller.workspace_id and counter.user_id = caller.user_id
      and counted.place + v_step - counter.step <= v_steps;
  caller.rate_remaining := greatest(caller.rate_limit - v_total - 1, 0);
  -- When the oldest request that counts will have left the window.
  caller.rate_reset_at := to_timestamp(5 * (v_step + v_steps + 1 - v_oldest));

  if v_total >= caller.rate_limit then
    caller.outcome := 'rate_limited';
    return;
  end if;
  insert into noted.rate_counters as counter (workspace_id, user_id, slot, step, counts)
    values (caller.workspace_id, caller.user_id, v_slot, v_step, array[1])
    on conflict (workspace_id, user_id, slot) do update
      set step = greatest(counter.step, excluded.step),
          counts = case
            when excluded.step <= counter.step then array[counter.counts[1] + 1] || counter.counts[2:]
            else (array[1] || array_fill(0, array[least(excluded.step - counter.step - 1, v_steps)::integer]) || counter.counts)[1:v_steps]
          end;
end $$;

-- Takes back the count of a request that the component will ask again: who sent it sent one. In the transaction that counted it, so the row is ours.
create function auth.uncount_request(caller auth.caller) returns void
language sql volatile
begin atomic
  update noted.rate_counters as counter set counts[1] = counter.counts[1] - 1
    where counter.workspace_id = (caller).workspace_id and counter.user_id = (caller).user_id
      and counter.slot = case when (caller).rate_limit < 1000 then 0 else pg_backend_pid() % 8 end;
end;

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

grant execute on function auth.rate_limit, auth.bytes_max, auth.count_request, auth.uncount_request to noted_api;
