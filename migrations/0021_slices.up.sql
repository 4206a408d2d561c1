-- What takes long for a large workspace is done in slices, each a statement of its own with a failure of its own, so that no workspace holds up another.

-- What the worker is in the middle of, by workspace and task: notes are queued for a model, words are counted, vectors of old models are dropped.
create table search.slices (
  workspace_id uuid not null,
  task text not null,
  -- The last chunk that was looked at; of tasks that go by notes, the note alone.
  note_id uuid not null default '00000000-0000-0000-0000-000000000000',
  chunk_index integer not null default 0,
  -- When its turn comes, and while a slice is being done, when that is given up.
  due_at timestamptz not null default now(),
  -- Turns that began and did not end, in a row: each is followed by a longer wait.
  failures integer not null default 0,
  -- Of counting: the share of the notes that is looked at, and the chunks that there were when it began.
  part double precision,
  chunks bigint,
  constraint slices_pkey primary key (workspace_id, task),
  constraint slices_workspace_fkey foreign key (workspace_id) references search.workspaces (workspace_id) on delete cascade,
  constraint slices_task_known check (task in ('queue', 'count', 'drop'))
);
create index slices_due on search.slices (task, due_at);

-- Words are counted beside the counts that are in use, and those change in one step when all are there.
alter table search.lexemes
  add column side boolean not null default false,
  drop constraint lexemes_pkey,
  add constraint lexemes_pkey primary key (workspace_id, side, lexeme);
alter table search.workspaces
  add column lexemes_side boolean not null default false,
  -- The share of the notes that they were counted in.
  add column lexemes_part double precision not null default 1;

-- Whoever was handed out comes last the next time.
drop index search.notes_not_analysed;
create index notes_not_analysed on search.notes (due_at) where content_sha256 is null;

alter table search.slices enable row level security, force row level security;
create policy slices_tenant on search.slices using (workspace_id = auth.workspace_id());
create policy slices_search on search.slices to noted_search using (true);
grant select, insert, update, delete on search.slices to noted_api, noted_search;
