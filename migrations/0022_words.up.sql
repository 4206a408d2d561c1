-- What a question requires and excludes is asked of whole notes, beside what it asks of their fields; and words are found by other rules.

alter type search.filter add attribute required tsquery[], add attribute excluded tsquery;

-- A question, by what the notes of its workspace have.
create type search.asked as (
  -- What results are ranked by, and those of them of which a chunk has to have one.
  terms text[],
  candidates text[],
  -- Null if every note may answer.
  filter search.filter,
  -- What looks left out and is not.
  options text[]
);

-- Whether its chunks are what an earlier release made of the note: they are found, and the worker makes them anew. All that are there now are.
alter table search.notes add column is_stale boolean not null default true;
alter table search.notes alter column is_stale set default false;
create index notes_stale on search.notes (due_at) where is_stale;

-- Workspaces take turns with the worker, and each has its notes taken in their order.
drop index search.notes_by_status;
create index notes_by_status on search.notes (workspace_id, embedding_status, due_at) where embedding_status <> 'completed';

-- They have another form.
truncate search.answers;
