-- Brings many deleted notes back. One call is one transaction, and one step of the workspace's counters.
--
-- Outcome: batched (body: what came of each note, in their order: updated and unchanged (the note without its text), not_found, path_taken (the note
-- that has the path, without its text), storage_full), origin_taken; unauthorized, wrong_workspace, missing_scope, rate_limited. Each note stands for itself, and one that lives
-- stays as it is.
create or replace function api.notes_restore(p_key_hash bytea, p_workspace_id uuid, p_origin text, p_note_ids uuid[]) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:write']);
  v_seq bigint;
  v_note_id uuid;
  v_edit sync.edit;
  v_written sync.written;
  v_reply api.reply;
  v_sum sync.written := sync.refused(null);
  v_results text[] := '{}';
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  v_seq := sync.lock_workspace(caller.workspace_id);
  v_edit.origin := auth.origin(caller, p_origin);
  if not sync.take_origin(caller, v_edit.origin) then
    return auth.reply(caller, 'origin_taken', to_json(v_edit.origin)::text);
  end if;
  v_edit.restores := true;
  foreach v_note_id in array p_note_ids loop
    v_written := sync.edit_note(caller, v_seq + v_sum.changes + 1, v_note_id, v_edit);
    v_reply := v_written.reply;
    v_sum := sync.both(v_sum, v_written);
    if v_written.changes > 0 then
      perform sync.follow(caller, v_note_id, null);
    elsif v_reply.outcome = 'path_taken' then
      v_reply.body := jsonb_set(v_reply.body::jsonb, '{noted_version,content}', '""')::text;
    end if;
    v_results := v_results || json_build_object('outcome', v_reply.outcome, 'body', v_reply.body)::text;
  end loop;
  perform sync.count_written(caller.workspace_id, v_sum, false);
  return auth.reply(caller, 'batched', '[' || array_to_string(v_results, ',') || ']');
end $$;
