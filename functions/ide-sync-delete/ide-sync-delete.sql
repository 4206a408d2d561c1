-- Turns a note into a tombstone. One call is one transaction; deleting twice is the same as deleting once.
--
-- Outcomes: deleted (body: when), already_deleted (the same), replayed, key_reused, not_found, version_mismatch, names_no_version, conflict (body:
-- the version that the sender has not seen, and the conflict's id); unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- Without a vector and a version whatever is there is deleted, unless the caller is an agent. A null `p_origin` stands for the key, a null
-- `p_idempotency_key` is fine here.
create or replace function api.ide_sync_delete(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text, p_note_id uuid, p_version_vector jsonb,
  p_if_version bigint
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:delete', 'ide:sync'], 'DELETE /v1/ide-sync/delete/' || p_note_id, p_idempotency_key, p_request_hash, p_origin, null);
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  elsif (v_change.caller).kind = 'agent' and p_version_vector is null and p_if_version is null then
    return auth.reply(v_change.caller, 'names_no_version');
  end if;
  return sync.end_change(
    v_change,
    sync.delete_note(v_change.caller, v_change.seq, p_note_id, v_change.origin, p_version_vector, p_if_version),
    p_note_id, true);
end $$;
