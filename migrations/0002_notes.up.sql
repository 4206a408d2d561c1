-- What people keep: folders, notes, and the older texts of notes.

create table noted.folders (
  workspace_id uuid not null,
  id uuid not null default noted.new_id(),
  parent_id uuid,
  name text not null,
  -- Kept by every write, so that nothing has to count rows.
  live_notes bigint not null default 0,
  created_at timestamptz not null default now(),
  constraint folders_pkey primary key (workspace_id, id),
  constraint folders_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint folders_parent_fkey foreign key (workspace_id, parent_id) references noted.folders (workspace_id, id) on delete cascade,
  constraint folders_name_key unique nulls not distinct (workspace_id, parent_id, name),
  constraint folders_name_form check (octet_length(name) between 1 and 255),
  constraint folders_live_notes_positive check (live_notes >= 0)
);

create table noted.notes (
  workspace_id uuid not null,
  id uuid not null default noted.new_id(),
  folder_id uuid,
  -- Who made it; no reference, because a note outlives its author's account.
  created_by_user_id uuid not null,
  title text not null,
  content text not null,
  content_sha256 text not null,
  note_type text not null default 'user_created',
  source_metadata jsonb not null default '{}',
  file_metadata jsonb not null default '{}',
  synced_from_ide boolean not null generated always as (note_type = 'ide_synced') stored,
  ide_file_path text,
  ide_last_modified timestamptz,
  last_ide_sync_at timestamptz,
  version bigint not null default 1,
  version_vector jsonb not null default '{}',
  seq bigint not null,
  last_sync_origin_id text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  deleted_by text,
  constraint notes_pkey primary key (workspace_id, id),
  constraint notes_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint notes_folder_fkey foreign key (workspace_id, folder_id) references noted.folders (workspace_id, id) on delete set null (folder_id),
  constraint notes_title_form check (char_length(title) between 1 and 200),
  constraint notes_content_size check (octet_length(content) <= 1048576),
  -- Whatever writes a note, its hash is the hash of what is stored.
  constraint notes_content_whole check (content_sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex')),
  constraint notes_type_known check (note_type in ('user_created', 'ide_synced', 'agent_generated', 'import', 'template')),
  constraint notes_path_form check (octet_length(ide_file_path) between 1 and 1024),
  constraint notes_metadata_form check (jsonb_typeof(source_metadata) = 'object' and jsonb_typeof(file_metadata) = 'object'),
  constraint notes_vector_form check (jsonb_typeof(version_vector) = 'object'),
  constraint notes_origin_form check (octet_length(last_sync_origin_id) between 1 and 128),
  constraint notes_version_positive check (version >= 1 and seq >= 1)
);

-- Compressing with the default method takes longer than writing the text; not every build has the faster one.
do $$
begin
  alter table noted.notes alter column content set compression lz4;
exception when feature_not_supported then null;
end $$;

create unique index notes_path_live on noted.notes (workspace_id, ide_file_path) where deleted_at is null;
create unique index notes_seq on noted.notes (workspace_id, seq);
-- The three orders in which a list is read.
create index notes_live on noted.notes (workspace_id, id) where deleted_at is null;
create index notes_folder_live on noted.notes (workspace_id, folder_id, id) where deleted_at is null;
create index notes_updated_live on noted.notes (workspace_id, updated_at) where deleted_at is null;
create index idx_notes_type on noted.notes (workspace_id, note_type);
create index idx_notes_ide_synced on noted.notes (workspace_id, synced_from_ide) where synced_from_ide;
create index idx_notes_deleted on noted.notes (deleted_at) where deleted_at is not null;

-- A text that was replaced or deleted, with the version, vector and author that it had itself.
create table noted.note_revisions (
  workspace_id uuid not null,
  id uuid not null default noted.new_id(),
  note_id uuid not null,
  version_number bigint not null,
  title text not null,
  content text not null,
  content_sha256 text not null,
  version_vector jsonb not null,
  created_by text not null,
  created_at timestamptz not null,
  archived_at timestamptz not null default now(),
  constraint note_revisions_pkey primary key (workspace_id, id),
  constraint note_revisions_note_fkey foreign key (workspace_id, note_id) references noted.notes (workspace_id, id) on delete cascade,
  constraint note_revisions_content_whole check (content_sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex'))
);
do $$
begin
  alter table noted.note_revisions alter column content set compression lz4;
exception when feature_not_supported then null;
end $$;
create unique index idx_revisions_note_version on noted.note_revisions (workspace_id, note_id, version_number);
create index idx_revisions_note_id on noted.note_revisions (workspace_id, note_id, created_at desc);

alter table noted.folders enable row level security, force row level security;
create policy folders_tenant on noted.folders using (workspace_id = auth.workspace_id());
alter table noted.notes enable row level security, force row level security;
create policy notes_tenant on noted.notes using (workspace_id = auth.workspace_id());
alter table noted.note_revisions enable row level security, force row level security;
create policy note_revisions_tenant on noted.note_revisions using (workspace_id = auth.workspace_id());

-- No rights to delete: a deleted note stays as a tombstone.
grant select, update on noted.folders to noted_api;
grant select, insert, update on noted.notes to noted_api;
grant select, insert on noted.note_revisions to noted_api;
