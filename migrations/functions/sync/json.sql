-- Notes, versions and tombstones as clients see them.

-- An instant as RFC 3339 in UTC.
create function sync.instant(p_at timestamptz) returns text
language sql stable
return to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- Who wrote a text, as the server knows it: null where an earlier release stored it.
create function sync.author(p_key_id uuid, p_kind text, p_model text) returns jsonb
language sql immutable
return case when p_key_id is not null then jsonb_build_object('key_id', p_key_id, 'kind', p_kind, 'model', p_model) end;

-- A note as clients see it, with its text or without.
create function sync.note_json(p_note noted.notes, p_with_content boolean) returns json
language sql stable
return json_build_object(
  'id', (p_note).id,
  'title', (p_note).title,
  'content_sha256', (p_note).content_sha256,
  'note_type', (p_note).note_type,
  'source_metadata', (p_note).source_metadata,
  'file_metadata', (p_note).file_metadata,
  'synced_from_ide', (p_note).synced_from_ide,
  'ide_file_path', (p_note).ide_file_path,
  'ide_last_modified', sync.instant((p_note).ide_last_modified),
  'last_ide_sync_at', sync.instant((p_note).last_ide_sync_at),
  'folder_id', (p_note).folder_id,
  'version', (p_note).version,
  'version_vector', (p_note).version_vector,
  'seq', (p_note).seq,
  'last_sync_origin_id', (p_note).last_sync_origin_id,
  'author', sync.author((p_note).author_key_id, (p_note).author_kind, (p_note).author_model),
  'created_at', sync.instant((p_note).created_at),
  'updated_at', sync.instant((p_note).updated_at),
  'content', case when p_with_content then (p_note).content end
);

-- A note of a list, as text: hundreds of them make a page, which is only passed on. Without its text it has no field for it.
create function sync.note_item(p_note noted.notes, p_with_content boolean) returns text
language sql stable
return case
  when p_with_content then sync.note_json(p_note, true)::text
  -- The field stands at the end.
  else left(sync.note_json(p_note, false)::text, -length(', "content" : null}')) || '}'
end;

-- The same with the named fields only.
create function sync.some_fields(p_note noted.notes, p_with_content boolean, p_fields text[]) returns text
language sql stable
return (
  select json_object_agg(field.key, field.value)::text from json_each(sync.note_json(p_note, p_with_content)) as field
    where field.key = any (p_fields));

-- When a note's file was last changed, by its own clock; null where nobody said, or said what is no time here.
create function sync.file_modified(p_note noted.notes) returns timestamptz
language sql stable
return case
  when pg_input_is_valid((p_note).file_metadata ->> 'original_mtime', 'timestamptz') then ((p_note).file_metadata ->> 'original_mtime')::timestamptz
end;

-- The version that a request stood in conflict with: whole for those who may read, and for others what they need to ask again.
create function sync.noted_version(caller auth.caller, p_note noted.notes) returns json
language sql stable
return json_build_object(
  'id', (p_note).id,
  'title', case when auth.may_read(caller) then (p_note).title end,
  'content', case when auth.may_read(caller) then (p_note).content end,
  'content_sha256', case when auth.may_read(caller) then (p_note).content_sha256 end,
  'ide_file_path', (p_note).ide_file_path,
  'version', (p_note).version,
  'version_vector', (p_note).version_vector,
  'created_at', sync.instant((p_note).created_at),
  'updated_at', sync.instant((p_note).updated_at)
);

-- A change as clients see it: the note, with its text or without, and when and by whom it was deleted. A tombstone's text is not given.
-- Glued as text before the note's own fields: a note can be large, is only passed on, and hundreds of them make a page.
create function sync.change_json(p_note noted.notes, p_with_content boolean) returns text
language sql stable
return '{"deleted_at": ' || coalesce(to_json(sync.instant((p_note).deleted_at))::text, 'null')
  || ', "deleted_by": ' || coalesce(to_json((p_note).deleted_by)::text, 'null')
  || ', ' || substr(sync.note_item(p_note, p_with_content and (p_note).deleted_at is null), 2);

-- A deleted note, as whoever may want it back is told of it.
create function sync.trash_json(p_note noted.notes) returns json
language sql stable
return json_build_object(
  'id', (p_note).id,
  'title', (p_note).title,
  'ide_file_path', (p_note).ide_file_path,
  'folder_id', (p_note).folder_id,
  'note_type', (p_note).note_type,
  'content_bytes', octet_length((p_note).content),
  'version', (p_note).version,
  'version_vector', (p_note).version_vector,
  'deleted_at', sync.instant((p_note).deleted_at),
  'deleted_by', (p_note).deleted_by,
  'days_left', greatest(floor(extract(epoch from (p_note).deleted_at + sync.tombstone_retention() - now()) / 86400), 0)::integer
);

-- A tombstone, as whoever asks for its note is told of it.
create function sync.gone_json(p_note noted.notes, p_conflict_id uuid) returns json
language sql stable
return json_build_object(
  'deleted_at', sync.instant((p_note).deleted_at),
  'deleted_by', (p_note).deleted_by,
  'version', (p_note).version,
  'version_vector', (p_note).version_vector,
  'conflict_id', p_conflict_id
);

-- A version as clients see it, with its text or without.
create function sync.version_json(p_version sync.version, p_with_content boolean) returns json
language sql stable
return json_build_object(
  'version_number', (p_version).version_number,
  'title', (p_version).title,
  'content_sha256', (p_version).content_sha256,
  'content_bytes', octet_length((p_version).content),
  'version_vector', (p_version).version_vector,
  'created_by', (p_version).created_by,
  'author', (p_version).author,
  'created_at', sync.instant((p_version).created_at),
  'content', case when p_with_content then (p_version).content end
);

-- A note as JSON text with that added, if there is something to add. As text, because a note can be large and is only passed on.
create function sync.with_embedding(p_note text, p_embedding search.embedding) returns text
language sql immutable
return case when (p_embedding).status is null then p_note else
  left(p_note, -1) || ', "embedding_status": ' || to_json((p_embedding).status)
    || coalesce(', "embedding_error": ' || to_json((p_embedding).error), '') || '}'
end;

-- What an entity tag says of it, behind the version: it changes while the version stays. Nothing, as long as nothing was tried: so the tag that
-- a note was created with is good until then.
create function sync.embedding_mark(p_embedding search.embedding) returns text
language sql immutable
return case when (p_embedding).status is null or ((p_embedding).status = 'pending' and (p_embedding).error is null) then '' else
  '.' || (p_embedding).status || coalesce('.' || left(md5((p_embedding).error), 8), '')
end;

grant execute on function sync.instant, sync.file_modified to noted_api, noted_search;
grant execute on function sync.author, sync.note_json, sync.note_item, sync.some_fields, sync.trash_json, sync.noted_version, sync.change_json, sync.gone_json, sync.version_json, sync.with_embedding,
  sync.embedding_mark to noted_api;
