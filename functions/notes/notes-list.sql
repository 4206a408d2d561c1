-- A page of live notes in the order of their ids, which is the order of creation. One call is one transaction.
--
-- Outcomes: those of `sync.list_notes`; unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.notes_list(
  p_key_hash bytea, p_workspace_id uuid, p_filter text, p_after uuid, p_offset integer, p_limit integer, p_bytes_max integer,
  p_with_content boolean, p_fields text[], p_query text, p_known_tags text[]
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  return sync.list_notes(
    auth.enter(p_key_hash, p_workspace_id, array['notes:read']), p_filter, p_after, p_offset, p_limit, p_bytes_max, p_with_content, p_fields,
    p_query, p_known_tags);
end $$;
