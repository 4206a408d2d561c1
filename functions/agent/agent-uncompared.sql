-- Gives corrections whose texts were not compared yet, the oldest first. One call is one transaction.
--
-- Outcomes: listed (bulk: an array of corrections with both texts, of at most `p_bytes_max` bytes together but always one); unauthorized,
-- wrong_workspace, missing_scope, rate_limited.
create or replace function api.agent_uncompared(
  p_key_hash bytea, p_workspace_id uuid, p_limit integer, p_bytes_max integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  -- The statement that this one goes before is the request's own.
  perform auth.uncount_request(caller);
  return auth.reply(caller, 'listed', null, (
    select coalesce(json_agg(json_build_object(
        'id', page.id, 'original', page.original_content, 'corrected', page.corrected_content) order by page.place), '[]')::text
      from (
        select correction.id, correction.original_content, correction.corrected_content,
            row_number() over (order by correction.id) as place,
            sum(octet_length(correction.original_content) + octet_length(correction.corrected_content)) over (order by correction.id) as bytes
          from (
            select waiting.* from noted.agent_note_corrections as waiting
              where waiting.workspace_id = caller.workspace_id and waiting.correction_type is null
              order by waiting.id limit p_limit
          ) as correction
      ) as page
      where page.place = 1 or page.bytes <= p_bytes_max));
end $$;
