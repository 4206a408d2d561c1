-- Older texts of notes: which are kept, and which one two copies grew from.

-- Keeps the text of a note that is about to be replaced or deleted, under the name of who wrote it. Answers its bytes.
create function sync.keep_revision(p_note noted.notes) returns bigint
language plpgsql volatile as $$
begin
  insert into noted.note_revisions (
      workspace_id, note_id, version_number, title, content, content_sha256, version_vector, created_by, created_at,
      author_key_id, author_kind, author_model)
    values (p_note.workspace_id, p_note.id, p_note.version, p_note.title, p_note.content, p_note.content_sha256,
      p_note.version_vector, p_note.last_sync_origin_id, p_note.updated_at,
      p_note.author_key_id, p_note.author_kind, p_note.author_model);
  return octet_length(p_note.content);
end $$;

-- Lets go of old texts of a note, and answers their bytes. The ten newest stay. So do, for thirty days: every text of a person, however many an agent
-- writes on top; the last text that each writer wrote, which is what its next text will be merged on; and what a conflict grew from.
create function sync.prune_revisions(p_workspace_id uuid, p_note_id uuid) returns bigint
language sql volatile
begin atomic
  with pruned as (delete from noted.note_revisions as old
    where old.workspace_id = p_workspace_id and old.note_id = p_note_id
      and old.version_number <= (
        select revision.version_number from noted.note_revisions as revision
          where revision.workspace_id = p_workspace_id and revision.note_id = p_note_id
          order by revision.version_number desc offset 10 limit 1)
      and not (old.archived_at > now() - interval '30 days' and (
        coalesce(old.author_kind, 'user') in ('user', 'ide')
        or not exists (
          select from noted.note_revisions as later
            where later.workspace_id = p_workspace_id and later.note_id = p_note_id
              and later.created_by = old.created_by and later.version_number > old.version_number)
        or exists (
          select from noted.sync_conflict_events as conflict
            where conflict.workspace_id = p_workspace_id and conflict.note_id = p_note_id and conflict.event = 'detected'
              and conflict.base_version = old.version_number)))
    returning octet_length(old.content) as bytes)
  select coalesce(sum(pruned.bytes), 0)::bigint from pruned;
end;

-- The newest version of a note that a copy with this vector has surely contained: what both sides of a conflict grew from.
create function sync.base_of(p_note noted.notes, p_vector jsonb) returns noted.note_revisions
language sql stable
begin atomic
  select revision from noted.note_revisions as revision
    where revision.workspace_id = (p_note).workspace_id and revision.note_id = (p_note).id and sync.has_seen(p_vector, revision.version_vector)
    order by revision.version_number desc limit 1;
end;

-- A version of a note, the one that it has or one that is kept; null when it is not. A number between two revisions is a change of the title
-- or path alone, which kept the text of the revision after it.
create function sync.version_of(p_workspace_id uuid, p_note_id uuid, p_number bigint) returns sync.version
language sql stable
begin atomic
  select row(
      version.version_number, version.title, version.content, version.content_sha256, version.version_vector, version.created_by,
      version.created_at, version.author)::sync.version
    from (
      select note.version, note.title, note.content, note.content_sha256, note.version_vector, note.last_sync_origin_id, note.updated_at,
          sync.author(note.author_key_id, note.author_kind, note.author_model)
        from noted.notes as note
        where note.workspace_id = p_workspace_id and note.id = p_note_id and note.version = p_number and note.deleted_at is null
      union all
      select revision.version_number, revision.title, revision.content, revision.content_sha256, revision.version_vector, revision.created_by,
          revision.created_at, sync.author(revision.author_key_id, revision.author_kind, revision.author_model)
        from noted.note_revisions as revision
        where revision.workspace_id = p_workspace_id and revision.note_id = p_note_id and revision.version_number = p_number
    ) as version (version_number, title, content, content_sha256, version_vector, created_by, created_at, author);
end;

grant execute on function sync.keep_revision, sync.prune_revisions, sync.base_of, sync.version_of to noted_api;
