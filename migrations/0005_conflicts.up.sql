-- The log of what stood against what, and which old texts are kept.

grant delete on noted.note_revisions to noted_api;

-- Everything that happened to a conflict, in order. Rows are only ever added: what was noticed and how it was settled stays on record.
create table noted.sync_conflict_events (
  workspace_id uuid not null,
  id uuid not null default noted.new_id(),
  conflict_id uuid not null,
  -- No reference: a conflict outlives the tombstone of its note.
  note_id uuid not null,
  user_id uuid not null,
  event text not null,
  origin text not null,
  -- The clock and not the transaction's beginning: decisions about one note wait for one another, and are told apart by this.
  at timestamptz not null default clock_timestamp(),
  -- Of a detection: both sides whole, and the version that both knew.
  kind text,
  ide_vector jsonb,
  ide_content text,
  ide_content_sha256 text,
  noted_version bigint,
  noted_vector jsonb,
  noted_content text,
  noted_content_sha256 text,
  base_version bigint,
  -- Of a decision.
  strategy text,
  decided_by text,
  merged_content text,
  constraint sync_conflict_events_pkey primary key (workspace_id, id),
  constraint sync_conflict_events_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint sync_conflict_events_event_known check (event in ('detected', 'decided')),
  constraint sync_conflict_events_detection check (event <> 'detected' or (
    kind in ('create', 'update', 'delete') and noted_content is not null and noted_content_sha256 is not null and noted_version is not null
    and noted_vector is not null and ide_vector is not null and (ide_content is null) = (ide_content_sha256 is null))),
  constraint sync_conflict_events_decision check (event <> 'decided' or (
    strategy in ('keep_ide', 'keep_noted', 'manual_merge', 'create_both', 'deferred') and decided_by in ('user', 'auto')))
);
do $$
begin
  alter table noted.sync_conflict_events alter column ide_content set compression lz4;
  alter table noted.sync_conflict_events alter column noted_content set compression lz4;
  alter table noted.sync_conflict_events alter column merged_content set compression lz4;
exception when feature_not_supported then null;
end $$;
create unique index sync_conflict_events_detected on noted.sync_conflict_events (workspace_id, conflict_id) where event = 'detected';
create index sync_conflict_events_decided on noted.sync_conflict_events (workspace_id, conflict_id, at desc) where event = 'decided';
create index sync_conflict_events_note on noted.sync_conflict_events (workspace_id, note_id) where event = 'detected';
create index sync_conflict_events_at on noted.sync_conflict_events (workspace_id, at);

-- Where conflicts go after thirty days. No list shows them, reading one by its id does.
create table noted.sync_conflict_archive (
  like noted.sync_conflict_events including storage including compression,
  constraint sync_conflict_archive_pkey primary key (workspace_id, id),
  constraint sync_conflict_archive_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade
);
create index sync_conflict_archive_conflict on noted.sync_conflict_archive (workspace_id, conflict_id);

alter table noted.sync_conflict_events enable row level security, force row level security;
create policy sync_conflict_events_tenant on noted.sync_conflict_events using (workspace_id = auth.workspace_id());
alter table noted.sync_conflict_archive enable row level security, force row level security;
create policy sync_conflict_archive_tenant on noted.sync_conflict_archive using (workspace_id = auth.workspace_id());
-- Added to and read, never changed.
grant select, insert on noted.sync_conflict_events to noted_api;
grant select on noted.sync_conflict_archive to noted_api;

-- Each conflict as it stands: what was noticed, and the last decision about it.
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
