-- Version vectors: which copy has seen what, and what a change makes of one.
--
-- A vector has a counter for each writer that it names, and one, `~`, for all others; none for all others is zero. The server alone counts: no
-- counter of a client is ever stored.

-- The counter of one writer, or of all that are not named.
create function sync.counter(p_vector jsonb, p_origin text) returns bigint
language sql immutable
return coalesce((p_vector ->> p_origin)::bigint, (p_vector ->> '~')::bigint, 0);

-- Whether a copy with the first vector has seen every change in the second. Whom only the first one names needs no look: no counter is lower
-- than that of all who are not named.
create function sync.has_seen(p_mine jsonb, p_theirs jsonb) returns boolean
language sql immutable
return p_mine = p_theirs or not exists (
  select from jsonb_object_keys(p_theirs) as origin where sync.counter(p_mine, origin) < sync.counter(p_theirs, origin)
);

-- The name of a writer's counter: its own, and after the database was set back another one, because under its own it would count again what it has
-- counted before.
create function sync.counter_name(caller auth.caller, p_origin text) returns text
language sql immutable
return case when (caller).generation is null then p_origin else left(p_origin, 119) || '.' || (caller).generation end;

-- A vector that names at most 64 writers: beyond that the 32 with the highest counters stay, and all others get the highest counter of those that
-- leave. That is never less than they had, so nobody is taken to have seen what they have not.
create function sync.pruned(p_vector jsonb) returns jsonb
language plpgsql immutable as $$
declare
  v_pruned jsonb;
begin
  if (select count(*) from jsonb_object_keys(p_vector - '~')) <= 64 then
    return p_vector;
  end if;
  with ranked as (
    select counted.key, counted.value::bigint as counter, row_number() over (order by counted.value::bigint desc, counted.key) as place
      from jsonb_each_text(p_vector - '~') as counted
  )
  select jsonb_object_agg(ranked.key, ranked.counter) filter (where ranked.place <= 32)
      || jsonb_build_object('~', max(ranked.counter) filter (where ranked.place > 32))
    into v_pruned from ranked;
  return v_pruned;
end $$;

-- A vector with one more change by an origin.
create function sync.counted(p_vector jsonb, p_origin text) returns jsonb
language plpgsql immutable as $$
declare
  v_vector constant jsonb := case when p_vector ? p_origin then p_vector else sync.pruned(p_vector) end;
begin
  return v_vector || jsonb_build_object(p_origin, sync.counter(v_vector, p_origin) + 1);
end $$;

grant execute on function sync.counter, sync.counter_name, sync.has_seen, sync.pruned, sync.counted to noted_api;
