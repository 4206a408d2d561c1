-- What a question may ask for and what answers it, and the index that finds vectors.

-- Which notes may answer. Null conditions do not apply.
create type search.filter as (
  folder_id uuid,
  note_type text,
  path_prefix text,
  synced_from_ide boolean,
  created_since timestamptz,
  created_before timestamptz,
  updated_since timestamptz,
  updated_before timestamptz,
  tags text[]
);

-- A chunk that answers.
create type search.hit as (
  note_id uuid,
  chunk_index integer,
  score double precision
);

-- Finds vectors fast where there are many; small workspaces are compared in full, and PostgreSQL then does not look at it.
create index embeddings_near on search.embeddings using hnsw (embedding halfvec_cosine_ops);

grant usage on schema sync, auth to noted_search;
