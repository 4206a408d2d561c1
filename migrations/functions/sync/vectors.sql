-- Version vectors: which copy has seen what, and what a change makes of one.

-- Whether a copy with the first vector has seen every change in the second.
create function sync.has_seen(p_mine jsonb, p_theirs jsonb) returns boolean
language sql immutable
return not exists (
  select from jsonb_each_text(p_theirs) as theirs
  where coalesce((p_mine ->> theirs.key)::bigint, 0) < theirs.value::bigint
);

-- A vector with one more change by an origin. Counters stop at the largest number that every JSON reader keeps exact.
create function sync.counted(p_vector jsonb, p_origin text) returns jsonb
language sql immutable
return p_vector || jsonb_build_object(p_origin, least(coalesce((p_vector ->> p_origin)::bigint, 0) + 1, 9007199254740991));

-- What a copy has seen that has seen both vectors.
create function sync.merged(p_mine jsonb, p_theirs jsonb) returns jsonb
language sql immutable
return (
  select coalesce(jsonb_object_agg(counted.key, counted.value), '{}') from (
    select both_of.key, max(both_of.value::bigint) as value
      from (select * from jsonb_each_text(p_mine) union all select * from jsonb_each_text(p_theirs)) as both_of
      group by both_of.key
  ) as counted
);

grant execute on function sync.has_seen, sync.counted, sync.merged to noted_api;
