-- Creates and updates many notes from files. One call is one transaction, and one step of the workspace's counters.
--
-- Outcomes: batched (body: what came of each item, in their order) and batch_failed (the same, but nothing was written: more than a tenth of
-- `p_total` failed, counting the `p_failed` that never got here); unauthorized, wrong_workspace, missing_scope, rate_limited.
--
-- `p_items` is an array of objects, `p_contents` their texts in the same order. One with a `note_id` is a `sync.edit`, one without a row of
-- `noted.notes`, by the names of their columns; each has an `idempotency_key` and a `request_hash` besides, and is answered and remembered as
-- the route for one note would: outcome and body are those of `api.ide_sync_create` and `api.ide_sync_update`. Only the texts of other notes
-- are left out of the bodies, because a hundred of them would be too much for one answer.
create or replace function api.ide_sync_batch(
  p_key_hash bytea, p_workspace_id uuid, p_items jsonb, p_contents text[], p_total integer, p_failed integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:write', 'ide:sync']);
  v_seq bigint;
  v_item jsonb;
  v_content text;
  v_place integer := 0;
  v_endpoint text;
  v_draft noted.notes;
  v_edit sync.edit;
  v_written sync.written;
  v_reply api.reply;
  v_changes integer := 0;
  v_live integer := 0;
  v_synced integer := 0;
  v_failed integer := p_failed;
  v_results text[] := '{}';
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_seq := sync.lock_workspace(caller.workspace_id);

  -- A block with an exception is a transaction within: what is raised at its end takes back all that was written, and the results stay.
  begin
    foreach v_content in array p_contents loop
      v_item := p_items -> v_place;
      v_place := v_place + 1;
      v_endpoint := coalesce('PUT /v1/ide-sync/update/' || (v_item ->> 'note_id'), 'POST /v1/ide-sync/create');
      v_reply := sync.replay(caller, v_item ->> 'idempotency_key', v_endpoint, v_item ->> 'request_hash');
      if v_reply.outcome is null then
        if v_item ? 'note_id' then
          v_edit := jsonb_populate_record(null::sync.edit, v_item);
          v_edit.content := v_content;
          v_written := sync.edit_note(caller, v_seq + v_changes + 1, (v_item ->> 'note_id')::uuid, v_edit);
        else
          v_draft := jsonb_populate_record(null::noted.notes, v_item);
          v_draft.content := v_content;
          v_written := sync.create_note(caller, v_seq + v_changes + 1, v_draft);
        end if;
        v_reply := v_written.reply;
        v_changes := v_changes + v_written.changes;
        v_live := v_live + v_written.live;
        v_synced := v_synced + v_written.synced;
        if v_reply.outcome in ('created', 'updated', 'unchanged') then
          perform sync.remember(caller, v_item ->> 'idempotency_key', v_endpoint, v_item ->> 'request_hash',
            case v_reply.outcome when 'created' then 201 else 200 end, v_reply.body);
        end if;
      end if;

      if v_reply.outcome not in ('created', 'updated', 'unchanged', 'replayed') then
        v_failed := v_failed + 1;
      end if;
      if v_reply.outcome in ('conflict', 'path_taken') then
        v_reply.body := jsonb_set(v_reply.body::jsonb || '{"base": null}', '{noted_version,content}', '""')::text;
      end if;
      v_results := v_results || json_build_object('outcome', v_reply.outcome, 'body', v_reply.body)::text;
    end loop;

    if v_failed * 10 > p_total then
      raise exception using errcode = 'NB001';
    end if;
    perform sync.count_written(caller.workspace_id, v_changes, v_live, v_synced, true);
  exception when sqlstate 'NB001' then
    return auth.reply(caller, 'batch_failed', '[' || array_to_string(v_results, ',') || ']');
  end;
  return auth.reply(caller, 'batched', '[' || array_to_string(v_results, ',') || ']');
end $$;
