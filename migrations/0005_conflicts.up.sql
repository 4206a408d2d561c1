-- The log of what stood against what, and which old texts are kept.

grant delete on noted.note_revisions to noted_api;

-- The writer that a request names, or the key that it brings.
create function auth.origin(caller auth.caller, p_origin text) returns text
language sql immutable
return coalesce(p_origin, 'key-' || (caller).key_id);

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

-- The newest version of a note that a copy with this vector has surely contained: what both sides of a conflict grew from.
create function sync.base_of(p_note noted.notes, p_vector jsonb) returns noted.note_revisions
language sql stable
begin atomic
  select revision from noted.note_revisions as revision
    where revision.workspace_id = (p_note).workspace_id and revision.note_id = (p_note).id and sync.has_seen(p_vector, revision.version_vector)
    order by revision.version_number desc limit 1;
end;

-- Notes down that two versions were made side by side, with both texts, and answers the conflict's id. The same conflict, met again by a
-- retry, is the same entry. Null content stands for a deletion.
create function sync.log_conflict(
  caller auth.caller, p_note noted.notes, p_kind text, p_origin text, p_vector jsonb, p_content text, p_content_sha256 text, p_base_version bigint
) returns uuid
language plpgsql volatile as $$
declare
  v_conflict_id uuid;
begin
  select conflict.id into v_conflict_id from noted.sync_conflicts as conflict
    where conflict.workspace_id = caller.workspace_id and conflict.note_id = p_note.id and conflict.resolved_at is null
      and conflict.kind = p_kind and conflict.origin = p_origin and conflict.noted_version = p_note.version
      and conflict.ide_content_sha256 is not distinct from p_content_sha256
    limit 1;
  if found then
    return v_conflict_id;
  end if;
  v_conflict_id := noted.new_id();
  insert into noted.sync_conflict_events (
      workspace_id, id, conflict_id, note_id, user_id, event, origin, kind, ide_vector, ide_content, ide_content_sha256,
      noted_version, noted_vector, noted_content, noted_content_sha256, base_version)
    values (
      caller.workspace_id, v_conflict_id, v_conflict_id, p_note.id, caller.user_id, 'detected', p_origin, p_kind, p_vector, p_content, p_content_sha256,
      p_note.version, p_note.version_vector, p_note.content, p_note.content_sha256, p_base_version);
  return v_conflict_id;
end $$;

-- Notes down a decision about a conflict.
create function sync.decide_conflict(
  caller auth.caller, p_conflict_id uuid, p_note_id uuid, p_origin text, p_strategy text, p_decided_by text, p_merged_content text
) returns void
language sql volatile
begin atomic
  insert into noted.sync_conflict_events (workspace_id, conflict_id, note_id, user_id, event, origin, strategy, decided_by, merged_content)
    values ((caller).workspace_id, p_conflict_id, p_note_id, (caller).user_id, 'decided', p_origin, p_strategy, p_decided_by, p_merged_content);
end;

-- Settles the writer's open conflicts on a note that what it writes now has seen both sides of: whoever has seen both and writes has decided.
create function sync.settle_conflicts(
  caller auth.caller, p_note_id uuid, p_origin text, p_seen jsonb, p_content text, p_content_sha256 text, p_decided_by text
) returns void
language plpgsql volatile as $$
declare
  v_conflict noted.sync_conflicts;
  v_strategy text;
begin
  for v_conflict in
    select conflict.* from noted.sync_conflicts as conflict
      where conflict.workspace_id = caller.workspace_id and conflict.note_id = p_note_id and conflict.origin = p_origin
        and conflict.resolved_at is null and sync.has_seen(p_seen, conflict.noted_vector)
  loop
    v_strategy := case
      when p_content_sha256 is not distinct from v_conflict.ide_content_sha256 then 'keep_ide'
      when p_content_sha256 = v_conflict.noted_content_sha256 then 'keep_noted'
      else 'manual_merge'
    end;
    perform sync.decide_conflict(caller, v_conflict.id, p_note_id, p_origin, v_strategy, p_decided_by,
      case when v_strategy = 'manual_merge' then p_content end);
  end loop;
end $$;

-- Lets go of old texts of a note: the ten newest stay; so do, for thirty days, the last text that each writer wrote, which is what its next
-- text will be merged on, and what a conflict grew from.
create function sync.prune_revisions(p_workspace_id uuid, p_note_id uuid) returns void
language sql volatile
begin atomic
  delete from noted.note_revisions as old
    where old.workspace_id = p_workspace_id and old.note_id = p_note_id
      and old.version_number <= (
        select revision.version_number from noted.note_revisions as revision
          where revision.workspace_id = p_workspace_id and revision.note_id = p_note_id
          order by revision.version_number desc offset 10 limit 1)
      and not (old.archived_at > now() - interval '30 days' and (
        not exists (
          select from noted.note_revisions as later
            where later.workspace_id = p_workspace_id and later.note_id = p_note_id
              and later.created_by = old.created_by and later.version_number > old.version_number)
        or exists (
          select from noted.sync_conflict_events as conflict
            where conflict.workspace_id = p_workspace_id and conflict.note_id = p_note_id and conflict.event = 'detected'
              and conflict.base_version = old.version_number)));
end;

-- A conflict as it stands, archived or not.
create function sync.conflict_of(p_workspace_id uuid, p_conflict_id uuid) returns noted.sync_conflicts
language plpgsql stable as $$
declare
  v_conflict noted.sync_conflicts;
begin
  select conflict.* into v_conflict from noted.sync_conflicts as conflict
    where conflict.workspace_id = p_workspace_id and conflict.id = p_conflict_id;
  if not found then
    select detected.workspace_id, detected.conflict_id, detected.note_id, detected.user_id, detected.kind, detected.origin,
        detected.ide_vector, detected.ide_content, detected.ide_content_sha256, detected.noted_version, detected.noted_vector,
        detected.noted_content, detected.noted_content_sha256, detected.base_version, detected.at,
        decided.strategy, decided.merged_content, decided.decided_by, case when decided.strategy <> 'deferred' then decided.at end
      into v_conflict
      from noted.sync_conflict_archive as detected
      left join noted.sync_conflict_archive as decided
        on decided.workspace_id = detected.workspace_id and decided.conflict_id = detected.conflict_id and decided.event = 'decided'
      where detected.workspace_id = p_workspace_id and detected.conflict_id = p_conflict_id and detected.event = 'detected'
      order by decided.at desc limit 1;
  end if;
  return v_conflict;
end $$;

-- A conflict as clients see it, with its texts or without.
create function sync.conflict_json(p_conflict noted.sync_conflicts, p_with_content boolean) returns json
language sql stable
return json_build_object(
  'id', (p_conflict).id,
  'note_id', (p_conflict).note_id,
  'kind', (p_conflict).kind,
  'origin', (p_conflict).origin,
  'ide_vector', (p_conflict).ide_vector,
  'ide_content_sha256', (p_conflict).ide_content_sha256,
  'noted_version', (p_conflict).noted_version,
  'noted_vector', (p_conflict).noted_vector,
  'noted_content_sha256', (p_conflict).noted_content_sha256,
  'detected_at', sync.instant((p_conflict).detected_at),
  'resolution_strategy', (p_conflict).resolution_strategy,
  'resolved_at', sync.instant((p_conflict).resolved_at),
  'resolved_by', (p_conflict).resolved_by,
  'ide_version_content', case when p_with_content then (p_conflict).ide_version_content end,
  'noted_version_content', case when p_with_content then (p_conflict).noted_version_content end,
  'merged_content', case when p_with_content then (p_conflict).merged_content end
);

-- What a copy has seen that has seen both vectors.
create function sync.merged(p_mine jsonb, p_theirs jsonb) returns jsonb
language sql immutable
return (
  select coalesce(jsonb_object_agg(counted.key, counted.value), '{}') from (
    select both_of.key, max(both_of.value::bigint) as value
      from (select * from jsonb_each_text(p_mine) union all select * from jsonb_each_text(p_theirs)) as both_of
      group by both_of.key
  ) as counted
);

-- Moves what happened to conflicts more than thirty days ago out of the way, at most `p_limit` conflicts. Answers how many it was.
create function sync.archive_conflicts(p_workspace_id uuid, p_limit integer) returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_archived bigint;
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  -- Alone in the workspace: a decision that is being made keeps its conflict here.
  perform sync.lock_workspace(p_workspace_id);
  with old as (
    select event.conflict_id from noted.sync_conflict_events as event
      where event.workspace_id = p_workspace_id
      group by event.conflict_id having max(event.at) < now() - interval '30 days'
      order by max(event.at) limit p_limit
  ), moved as (
    delete from noted.sync_conflict_events as event using old
      where event.workspace_id = p_workspace_id and event.conflict_id = old.conflict_id
      returning event.*
  ), kept as (
    insert into noted.sync_conflict_archive select moved.* from moved returning conflict_id
  )
  select count(distinct kept.conflict_id) into v_archived from kept;
  return v_archived;
end $$;

grant execute on all functions in schema auth, sync to noted_api;
revoke execute on function auth.workspace_create, auth.key_create, auth.default_scopes from noted_api;
revoke execute on function sync.collect_tombstones, sync.prune_requests, sync.archive_conflicts from noted_api;
