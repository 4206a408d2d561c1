-- How notes are written, found and read back, whatever route a request comes by: one set of functions behind all doors.

-- What a write wants of a note. Null keeps what is there, except where a flag beside it says that null is meant.
create type sync.edit as (
  origin text,
  -- What the writer has seen; null where `if_version` or the nature of the edit says it.
  version_vector jsonb,
  if_version bigint,
  if_updated_at timestamptz,
  title text,
  content text,
  content_sha256 text,
  sets_path boolean,
  path text,
  sets_folder boolean,
  folder_id uuid,
  source_metadata jsonb,
  file_metadata jsonb,
  -- Of an editor's file only.
  ide_last_modified timestamptz,
  -- Brings back a deleted note.
  restores boolean,
  -- The answer holds the text too, because the writer does not have it.
  wants_content boolean,
  decided_by text
);

-- What came of a write: the answer, and what the workspace has to count.
create type sync.written as (
  reply api.reply,
  changes integer,
  live integer,
  synced integer
);

-- A text that a note has or had.
create type sync.version as (
  version_number bigint,
  title text,
  content text,
  content_sha256 text,
  version_vector jsonb,
  created_by text,
  created_at timestamptz
);

-- Which notes a list shows: how many match in all, and the ids of one page and one more, to know whether more follow.
create type sync.found_notes as (
  total bigint,
  ids uuid[]
);

-- Equality and prefixes by one index, whatever language the server sorts by.
drop index noted.notes_path_live;
create unique index notes_path_live on noted.notes (workspace_id, ide_file_path text_pattern_ops) where deleted_at is null;
