-- Versions of a note with their texts, older ones or the one that it has. One call is one transaction.
--
-- Outcomes: read (body: the versions as a JSON array, in the order in which they were asked for), not_found, no_revision (body: the first
-- number that is not kept); unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.notes_versions(p_key_hash bytea, p_workspace_id uuid, p_note_id uuid, p_versions bigint[]) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
  v_number bigint;
  v_version sync.version;
  v_versions json[] := '{}';
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  perform from noted.notes as note where note.workspace_id = caller.workspace_id and note.id = p_note_id;
  if not found then
    return auth.reply(caller, 'not_found');
  end if;
  foreach v_number in array p_versions loop
    v_version := sync.version_of(caller.workspace_id, p_note_id, v_number);
    if v_version.version_number is null then
      return auth.reply(caller, 'no_revision', v_number::text);
    end if;
    v_versions := v_versions || sync.version_json(v_version, true);
  end loop;
  return auth.reply(caller, 'read', array_to_json(v_versions)::text);
end $$;
