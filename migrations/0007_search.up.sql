-- What search knows of notes: their chunks with the words in them, and the chunks' vectors.
--
-- `noted_search` owns nothing but the functions that search, and row security lets it see every workspace, because a policy would keep
-- PostgreSQL from using the indexes of words and vectors: so each of its functions names the workspace itself. `noted_worker` is the login of
-- the worker that fetches embeddings; it may execute that worker's functions and nothing else.

create schema search;

do $$
begin
  create role noted_search nologin;
exception when duplicate_object or unique_violation then null;
end $$;

do $$
begin
  create role noted_worker login connection limit 20;
  alter role noted_worker set statement_timeout = '3500ms';
  alter role noted_worker set lock_timeout = '3s';
  alter role noted_worker set idle_in_transaction_session_timeout = '5s';
  alter role noted_worker set idle_session_timeout = '30s';
exception when duplicate_object or unique_violation then null;
end $$;

do $$
begin
  -- Not inherited: the owner would see every workspace too.
  if not pg_has_role(current_user, 'noted_search', 'set') then
    execute format('grant noted_search to %I with inherit false, set true', current_user);
  end if;
end $$;

grant usage on schema noted, search to noted_search;
grant create on schema search to noted_search;
grant usage on schema search to noted_api;
grant usage on schema api to noted_worker;

-- Whether texts of this workspace may go to the provider of embeddings. Words work without.
alter table noted.workspaces add column ai_processing boolean not null default false;

-- One row for each workspace that was ever searched in or written to.
create table search.workspaces (
  workspace_id uuid not null,
  -- Stands before every word in the index, so that no search reads what others wrote.
  number integer not null generated always as identity,
  chunks bigint not null default 0,
  words bigint not null default 0,
  -- Chunks when the words were last counted.
  counted_chunks bigint not null default 0,
  -- Changes with everything that changes an answer but is no change of a note: vectors that came, words that were counted.
  generation bigint not null default 0,
  -- The model that all notes were queued for.
  embedding_model text,
  embedded_tokens bigint not null default 0,
  embedded_chunks bigint not null default 0,
  constraint workspaces_pkey primary key (workspace_id),
  constraint workspaces_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint workspaces_number_key unique (number)
) with (fillfactor = 50);

-- One row for each live note: which text and title its chunks are of, and how far its embedding is.
create table search.notes (
  workspace_id uuid not null,
  note_id uuid not null,
  -- Null until the chunks are there: the worker cuts them where the writer did not have the text.
  content_sha256 text,
  title text,
  path text,
  -- Null where the workspace wants no embeddings.
  embedding_status text,
  embedding_attempts smallint not null default 0,
  embedding_error text,
  -- When it is to be tried, and while it is being tried: when to give that up.
  due_at timestamptz not null default now(),
  queued_at timestamptz not null default now(),
  constraint notes_pkey primary key (workspace_id, note_id),
  constraint notes_note_fkey foreign key (workspace_id, note_id) references noted.notes (workspace_id, id) on delete cascade,
  constraint notes_embedding_status_known check (embedding_status in ('pending', 'in_progress', 'completed', 'failed_permanently'))
) with (fillfactor = 70);
-- The notes that are there already are cut by the worker.
alter table noted.notes no force row level security;
insert into search.notes (workspace_id, note_id) select note.workspace_id, note.id from noted.notes as note where note.deleted_at is null;
alter table noted.notes force row level security;
create index notes_due on search.notes (due_at) where embedding_status in ('pending', 'in_progress');
create index notes_not_analysed on search.notes (workspace_id, note_id) where content_sha256 is null;
create index notes_by_status on search.notes (workspace_id, embedding_status) where embedding_status <> 'completed';

-- A piece of a note. Number -1 is its title and number -2 its path, which are searched by words only.
create table search.chunks (
  workspace_id uuid not null,
  note_id uuid not null,
  chunk_index integer not null,
  heading_path text[] not null,
  -- Where it is in the text, in bytes; the text itself is read from the note.
  byte_start integer not null,
  byte_end integer not null,
  -- SHA-256 of what is embedded: the headings above it, and its text.
  text_hash bytea,
  words_count integer not null,
  words tsvector not null,
  constraint chunks_pkey primary key (workspace_id, note_id, chunk_index),
  constraint chunks_note_fkey foreign key (workspace_id, note_id) references search.notes (workspace_id, note_id) on delete cascade,
  constraint chunks_range_ordered check (0 <= byte_start and byte_start <= byte_end),
  constraint chunks_hash_form check ((text_hash is null) = (chunk_index < 0) and octet_length(text_hash) = 32)
) with (fillfactor = 80);
create index chunks_words on search.chunks using gin (words);
create index chunks_text_hash on search.chunks (workspace_id, text_hash);

-- In how many chunks of a workspace a word is, now and then counted: rare words tell more.
create table search.lexemes (
  workspace_id uuid not null,
  lexeme text collate "C" not null,
  chunks integer not null,
  constraint lexemes_pkey primary key (workspace_id, lexeme),
  constraint lexemes_workspace_fkey foreign key (workspace_id) references search.workspaces (workspace_id) on delete cascade
);

-- The vector of a text, by the text's hash: a vector can never stand beside another text than its own, equal texts are embedded once, and what
-- an edit did not touch keeps its vector.
create table search.embeddings (
  workspace_id uuid not null,
  model text not null,
  text_hash bytea not null,
  embedding halfvec(1024) not null,
  created_at timestamptz not null default now(),
  constraint embeddings_pkey primary key (workspace_id, model, text_hash),
  constraint embeddings_workspace_fkey foreign key (workspace_id) references search.workspaces (workspace_id) on delete cascade
);
-- Kept in the row, because a scan of all vectors of a workspace reads every one.
alter table search.embeddings alter column embedding set storage plain;

-- The state of a provider: how often it failed in a row, and until when it is left alone.
create table search.providers (
  model text not null,
  failures integer not null default 0,
  open_until timestamptz not null default '-infinity',
  constraint providers_pkey primary key (model)
);

-- Questions of the last minutes and their answers. Unlogged: they may be lost.
create unlogged table search.questions (
  workspace_id uuid not null,
  model text not null,
  question_hash bytea not null,
  embedding halfvec(1024) not null,
  created_at timestamptz not null default now(),
  constraint questions_pkey primary key (workspace_id, model, question_hash)
);
create index questions_created_at on search.questions (created_at);

create unlogged table search.answers (
  workspace_id uuid not null,
  request_hash bytea not null,
  -- What the answer was made of; another one answers nobody any more.
  state text not null,
  answer text not null,
  created_at timestamptz not null default now(),
  constraint answers_pkey primary key (workspace_id, request_hash)
);
create index answers_created_at on search.answers (created_at);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['workspaces', 'notes', 'chunks', 'lexemes', 'embeddings', 'questions', 'answers'] loop
    execute format('alter table search.%I enable row level security, force row level security', v_table);
    execute format('create policy %I on search.%I using (workspace_id = auth.workspace_id())', v_table || '_tenant', v_table);
    execute format('create policy %I on search.%I to noted_search using (true)', v_table || '_search', v_table);
  end loop;
end $$;
grant select, insert, update, delete on all tables in schema search to noted_api, noted_search;
-- What the worker's functions read beside that.
create policy notes_search on noted.notes for select to noted_search using (true);
create policy workspaces_search on noted.workspaces for select to noted_search using (true);
grant select on noted.notes, noted.workspaces to noted_search;
grant execute on function noted.new_id(), auth.workspace_id() to noted_search;
