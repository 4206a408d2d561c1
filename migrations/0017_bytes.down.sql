-- The texts go back to where each was kept, as often as it was there.
alter type sync.written drop attribute bytes;
alter table noted.workspaces drop column stored_bytes, drop column conflict_retention_days;
drop view noted.sync_conflicts;

alter table noted.sync_conflict_events
  drop constraint sync_conflict_events_detection,
  add column ide_content text, add column noted_content text, add column merged_content text;
alter table noted.sync_conflict_archive add column ide_content text, add column noted_content text, add column merged_content text;
do $$
declare
  v_table regclass;
begin
  alter table noted.conflict_texts no force row level security;
  foreach v_table in array array['noted.sync_conflict_events', 'noted.sync_conflict_archive']::regclass[] loop
    execute format('alter table %s no force row level security', v_table);
    execute format(
      'update %s as event set
          ide_content = (select text.content from noted.conflict_texts as text
            where text.workspace_id = event.workspace_id and text.note_id = event.note_id and text.content_sha256 = event.ide_content_sha256),
          noted_content = (select text.content from noted.conflict_texts as text
            where text.workspace_id = event.workspace_id and text.note_id = event.note_id and text.content_sha256 = event.noted_content_sha256),
          merged_content = (select text.content from noted.conflict_texts as text
            where text.workspace_id = event.workspace_id and text.note_id = event.note_id and text.content_sha256 = event.merged_content_sha256)',
      v_table);
    execute format('alter table %s force row level security', v_table);
  end loop;
end $$;
alter table noted.sync_conflict_events
  drop column merged_content_sha256,
  add constraint sync_conflict_events_detection check (event <> 'detected' or (
    kind in ('create', 'update', 'delete') and noted_content is not null and noted_content_sha256 is not null and noted_version is not null
    and noted_vector is not null and ide_vector is not null and (ide_content is null) = (ide_content_sha256 is null)));
alter table noted.sync_conflict_archive drop column merged_content_sha256;
drop table noted.conflict_texts;

create view noted.sync_conflicts with (security_invoker = true) as
  select detected.workspace_id, detected.conflict_id as id, detected.note_id, detected.user_id, detected.kind, detected.origin,
      detected.ide_vector, detected.ide_content as ide_version_content, detected.ide_content_sha256,
      detected.noted_version, detected.noted_vector, detected.noted_content as noted_version_content, detected.noted_content_sha256,
      detected.base_version, detected.at as detected_at,
      decided.strategy as resolution_strategy, decided.merged_content, decided.decided_by as resolved_by,
      case when decided.strategy <> 'deferred' then decided.at end as resolved_at
    from noted.sync_conflict_events as detected
    left join lateral (
      select event.strategy, event.merged_content, event.decided_by, event.at from noted.sync_conflict_events as event
        where event.workspace_id = detected.workspace_id and event.conflict_id = detected.conflict_id and event.event = 'decided'
        order by event.at desc limit 1
    ) as decided on true
    where detected.event = 'detected';
grant select on noted.sync_conflicts to noted_api;
