-- Gives what people made of agents' texts in the form that models are trained on. One call is one transaction.
--
-- Outcomes: read (bulk: a JSON object a line, with the agent's text as `input` and the class of the correction as `label`, the newest first, of at
-- most `p_bytes_max` bytes of text), no_consent (the workspace lets
-- no text go to a provider); unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.agent_export(
  p_key_hash bytea, p_workspace_id uuid, p_limit integer, p_distance_min integer, p_bytes_max integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['notes:read']);
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  perform from noted.workspaces as workspace where workspace.id = caller.workspace_id and workspace.ai_processing;
  if not found then
    return auth.reply(caller, 'no_consent');
  end if;
  return auth.reply(caller, 'read', null, (
    select coalesce(string_agg(json_build_object(
        'messages', json_build_array(
          json_build_object('role', 'system', 'content', 'Generate accurate documentation notes'),
          json_build_object('role', 'user', 'content', page.asked_for),
          json_build_object('role', 'assistant', 'content', page.corrected_content)),
        'input', page.original_content,
        'label', page.correction_type)::text || E'\n', '' order by page.id desc), '')
      from (
        select correction.*,
            sum(octet_length(correction.original_content) + octet_length(correction.corrected_content)) over (order by correction.id desc) as bytes
          from (
            select apt.id, apt.original_content, apt.corrected_content, apt.correction_type,
                -- What the agent was asked for, where it said so. A note that is collected has no title any more, but its text begins with one.
                coalesce(
                  note.source_metadata ->> 'generation_prompt',
                  'Write a note about ' || coalesce(note.title, left(ltrim(split_part(apt.corrected_content, E'\n', 1), '# '), 200))) as asked_for
              from noted.agent_note_corrections as apt
              left join noted.notes as note on note.workspace_id = apt.workspace_id and note.id = apt.note_id
              where apt.workspace_id = caller.workspace_id and apt.correction_type in ('factual_correction', 'style_improvement')
                and apt.edit_distance > p_distance_min
              order by apt.id desc limit p_limit
          ) as correction
      ) as page
      where page.bytes <= p_bytes_max));
end $$;
