-- Turns a note into a tombstone. One call is one transaction; deleting twice is the same as deleting once.
--
-- Outcomes: deleted (body: when), already_deleted (the same), replayed, key_reused, not_found, conflict (body: the version that the
-- sender has not seen, and the conflict's id); unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- A null `p_version_vector` deletes whatever is there; a null `p_origin` stands for the key. A null `p_idempotency_key` is fine here.
create or replace function api.ide_sync_delete(
  p_key_hash bytea, p_workspace_id uuid, p_idempotency_key text, p_request_hash text, p_origin text, p_note_id uuid, p_version_vector jsonb
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_endpoint constant text := 'DELETE /v1/ide-sync/delete/' || p_note_id;
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:delete', 'ide:sync']);
  v_seq bigint;
  v_reply api.reply;
  v_written sync.written;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_seq := sync.lock_workspace(caller.workspace_id) + 1;

  v_reply := sync.replay(caller, p_idempotency_key, v_endpoint, p_request_hash);
  if v_reply.outcome is not null then
    return v_reply;
  end if;

  v_written := sync.delete_note(caller, v_seq, p_note_id, auth.origin(caller, p_origin), p_version_vector, null);
  v_reply := v_written.reply;
  if v_reply.outcome in ('deleted', 'already_deleted') then
    perform sync.count_written(caller.workspace_id, v_written.changes, v_written.live, v_written.synced, true);
    if p_idempotency_key is not null then
      perform sync.remember(caller, p_idempotency_key, v_endpoint, p_request_hash, 200, v_reply.body);
    end if;
  end if;
  return v_reply;
end $$;
