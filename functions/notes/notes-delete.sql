-- Turns a note into a tombstone. One call is one transaction; deleting twice is the same as deleting once.
--
-- Outcomes: deleted (body: when), already_deleted (the same), replayed, key_reused, not_found, version_mismatch, names_no_version;
-- unauthorized, wrong_workspace, missing_scope, rate_limited. A null `p_if_version` deletes any version, unless the caller is an agent; a null
-- idempotency key is fine.
create or replace function api.notes_delete(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text, p_note_id uuid, p_if_version bigint
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_change sync.change := sync.begin_change(
    p_key_hash, p_workspace_id, array['notes:delete'], 'DELETE /v1/notes/' || p_note_id, p_idempotency_key, p_request_hash, p_origin, null);
begin
  if (v_change.reply).outcome is not null then
    return v_change.reply;
  elsif (v_change.caller).kind = 'agent' and p_if_version is null then
    return auth.reply(v_change.caller, 'names_no_version');
  end if;
  return sync.end_change(
    v_change,
    sync.delete_note(v_change.caller, v_change.seq, p_note_id, v_change.origin, null, p_if_version),
    p_note_id, false);
end $$;
