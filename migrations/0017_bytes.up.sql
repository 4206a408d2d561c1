-- What a workspace may store is bounded: each text of a conflict is kept once, old conflicts end, and bytes are counted as notes are.

-- The texts that stood against one another over a note, each once, however often it was refused.
create table noted.conflict_texts (
  workspace_id uuid not null,
  note_id uuid not null,
  content_sha256 text not null,
  content text not null,
  constraint conflict_texts_pkey primary key (workspace_id, note_id, content_sha256),
  constraint conflict_texts_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint conflict_texts_content_whole check (content_sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex'))
);
do $$
begin
  alter table noted.conflict_texts alter column content set compression lz4;
exception when feature_not_supported then null;
end $$;

do $$
begin
  alter table noted.sync_conflict_events no force row level security;
  alter table noted.sync_conflict_archive no force row level security;
  insert into noted.conflict_texts (workspace_id, note_id, content_sha256, content)
    select distinct on (event.workspace_id, event.note_id, text.content_sha256)
        event.workspace_id, event.note_id, text.content_sha256, text.content
      from (select * from noted.sync_conflict_events union all select * from noted.sync_conflict_archive) as event
      cross join lateral (values (event.ide_content_sha256, event.ide_content), (event.noted_content_sha256, event.noted_content),
        (encode(sha256(convert_to(event.merged_content, 'UTF8')), 'hex'), event.merged_content)) as text (content_sha256, content)
      where text.content is not null;
end $$;

alter table noted.sync_conflict_events add column merged_content_sha256 text;
alter table noted.sync_conflict_archive add column merged_content_sha256 text;
update noted.sync_conflict_events set merged_content_sha256 = encode(sha256(convert_to(merged_content, 'UTF8')), 'hex') where merged_content is not null;
update noted.sync_conflict_archive set merged_content_sha256 = encode(sha256(convert_to(merged_content, 'UTF8')), 'hex') where merged_content is not null;
alter table noted.sync_conflict_events force row level security;
alter table noted.sync_conflict_archive force row level security;

-- With the functions that are made of it: they come back when this is done.
drop view noted.sync_conflicts cascade;
alter table noted.sync_conflict_events
  drop constraint sync_conflict_events_detection,
  drop column ide_content cascade, drop column noted_content cascade, drop column merged_content cascade,
  add constraint sync_conflict_events_detection check (event <> 'detected' or (
    kind in ('create', 'update', 'delete') and noted_content_sha256 is not null and noted_version is not null
    and noted_vector is not null and ide_vector is not null));
alter table noted.sync_conflict_archive drop column ide_content, drop column noted_content, drop column merged_content;

alter table noted.conflict_texts enable row level security, force row level security;
create policy conflict_texts_tenant on noted.conflict_texts using (workspace_id = auth.workspace_id());
grant select, insert on noted.conflict_texts to noted_api;

-- Each conflict as it stands: what was noticed, and the last decision about it. Its texts are in `conflict_texts`, by their hashes.
create view noted.sync_conflicts with (security_invoker = true) as
  select detected.workspace_id, detected.conflict_id as id, detected.note_id, detected.user_id, detected.kind, detected.origin,
      detected.ide_vector, detected.ide_content_sha256, detected.noted_version, detected.noted_vector, detected.noted_content_sha256,
      detected.base_version, detected.at as detected_at,
      decided.strategy as resolution_strategy, decided.merged_content_sha256, decided.decided_by as resolved_by,
      case when decided.strategy <> 'deferred' then decided.at end as resolved_at
    from noted.sync_conflict_events as detected
    left join lateral (
      select event.strategy, event.merged_content_sha256, event.decided_by, event.at from noted.sync_conflict_events as event
        where event.workspace_id = detected.workspace_id and event.conflict_id = detected.conflict_id and event.event = 'decided'
        order by event.at desc limit 1
    ) as decided on true
    where detected.event = 'detected';
grant select on noted.sync_conflicts to noted_api;

-- How long conflicts are kept, and the bytes of all texts that the workspace keeps: of notes, of their revisions and of conflicts.
alter table noted.workspaces
  add column conflict_retention_days integer not null default 365,
  add column stored_bytes bigint not null default 0,
  add constraint workspaces_conflict_retention_bounds check (conflict_retention_days between 30 and 3650);
do $$
begin
  alter table noted.workspaces no force row level security;
  alter table noted.notes no force row level security;
  alter table noted.note_revisions no force row level security;
  alter table noted.conflict_texts no force row level security;
  update noted.workspaces as workspace
    set stored_bytes =
      (select coalesce(sum(octet_length(note.content)), 0) from noted.notes as note where note.workspace_id = workspace.id)
      + (select coalesce(sum(octet_length(old.content)), 0) from noted.note_revisions as old where old.workspace_id = workspace.id)
      + (select coalesce(sum(octet_length(text.content)), 0) from noted.conflict_texts as text where text.workspace_id = workspace.id);
  alter table noted.conflict_texts force row level security;
  alter table noted.note_revisions force row level security;
  alter table noted.notes force row level security;
  alter table noted.workspaces force row level security;
end $$;
alter table noted.workspaces add constraint workspaces_stored_bytes_positive check (stored_bytes >= 0);

alter type sync.written add attribute bytes bigint;
