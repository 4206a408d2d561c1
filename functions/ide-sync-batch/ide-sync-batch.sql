-- Creates and updates many notes from files. One call is one transaction, and one step of the workspace's counters.
--
-- Outcomes: batched (body: what came of each item, in their order) and batch_failed (the same, but nothing was written: more than a tenth of
-- `p_total` failed, counting the `p_failed` that never got here); not_judged (an agent's texts came without judgements; body: the rules); unauthorized,
-- wrong_workspace, missing_scope, rate_limited.
--
-- `p_items` is an array of objects, `p_contents` their texts and `p_analyses` what search needs of them, in the same order. One with a `note_id` is a `sync.edit`, one without a row of
-- `noted.notes`, by the names of their columns; each has an `idempotency_key` and a `request_hash` besides, and is answered and remembered as
-- the route for one note would: outcome and body are those of `api.ide_sync_create` and `api.ide_sync_update`. Only the texts of other notes
-- are left out of the bodies, because a hundred of them would be too much for one answer.
create or replace function api.ide_sync_batch(
  p_key_hash bytea, p_workspace_id uuid, p_items jsonb, p_contents text[], p_analyses text[], p_total integer, p_failed integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:write', 'ide:sync']);
  v_seq bigint;
  -- The caller, or an agent for whom it writes.
  v_writer auth.caller;
  v_item jsonb;
  v_analysis jsonb;
  v_judgement jsonb;
  v_broken jsonb[] := '{}';
  v_content text;
  v_place integer := 0;
  v_endpoint text;
  v_draft noted.notes;
  v_edit sync.edit;
  v_written sync.written;
  -- All of them together.
  v_sum sync.written := sync.refused(null);
  v_reply api.reply;
  v_failed integer := p_failed;
  v_results text[] := '{}';
  v_outcome text;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  if caller.kind = 'agent' and exists (
    select from unnest(p_analyses) as given (analysis) where sync.lacks_judgement(caller, given.analysis::jsonb))
  then
    perform auth.uncount_request(caller);
    return auth.reply(caller, 'not_judged', sync.agent_rules(caller.workspace_id)::text);
  end if;
  v_seq := sync.lock_workspace(caller.workspace_id);

  -- A block with an exception is a transaction within: what is raised at its end takes back all that was written, and the results stay.
  begin
    foreach v_content in array p_contents loop
      v_item := p_items -> v_place;
      v_place := v_place + 1;
      v_endpoint := coalesce('PUT /v1/ide-sync/update/' || (v_item ->> 'note_id'), 'POST /v1/ide-sync/create');
      v_analysis := p_analyses[v_place]::jsonb;
      v_reply := sync.replay(caller, v_item ->> 'idempotency_key', v_endpoint, v_item ->> 'request_hash');
      v_writer := caller;
      if v_reply.outcome is null and not sync.take_origin(caller, coalesce(v_item ->> 'origin', v_item ->> 'last_sync_origin_id')) then
        v_reply := auth.reply(caller, 'origin_taken', to_json(coalesce(v_item ->> 'origin', v_item ->> 'last_sync_origin_id'))::text);
      elsif v_reply.outcome is null and v_analysis ? 'judgement' then
        v_judgement := sync.judge(caller, v_analysis -> 'judgement');
        v_analysis := jsonb_set(v_analysis, '{judgement}', v_judgement);
        v_writer := sync.as_agent(caller, v_judgement);
        if v_judgement -> 'violations' <> '[]' then
          v_broken := v_broken || v_judgement;
          v_reply := auth.reply(caller, 'rule_broken', (v_judgement -> 'violations')::text);
        end if;
      end if;
      if v_reply.outcome is null then
        if v_item ? 'note_id' then
          v_edit := jsonb_populate_record(null::sync.edit, v_item);
          v_edit.content := v_content;
          v_written := sync.edit_note(v_writer, v_seq + v_sum.changes + 1, (v_item ->> 'note_id')::uuid, v_edit);
        else
          v_draft := jsonb_populate_record(null::noted.notes, v_item);
          v_draft.content := v_content;
          v_written := sync.create_note(v_writer, v_seq + v_sum.changes + 1, v_draft);
        end if;
        v_reply := v_written.reply;
        v_sum := sync.both(v_sum, v_written);
        if v_written.changes > 0 then
          perform sync.follow(caller, (v_reply.body::json ->> 'id')::uuid, v_analysis);
        end if;
        if v_reply.outcome = 'created' then
          v_reply.body := sync.with_embedding(
            v_reply.body, search.embedding_of(caller.workspace_id, (v_reply.body::json ->> 'id')::uuid));
        end if;
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
    perform sync.count_written(caller.workspace_id, v_sum, true);
    v_outcome := 'batched';
  exception when sqlstate 'NB001' then
    v_outcome := 'batch_failed';
  end;
  -- Out here, because an attempt is kept though the batch is not.
  foreach v_judgement in array v_broken loop
    perform sync.record_attempt(
      caller, (select note.id from noted.notes as note
        where note.workspace_id = caller.workspace_id and note.id = (v_judgement ->> 'note_id')::uuid), v_judgement);
  end loop;
  return auth.reply(caller, v_outcome, '[' || array_to_string(v_results, ',') || ']');
end $$;
