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
drop index search.notes_not_analysed;
create index notes_not_analysed on search.notes (is_stale, due_at) where content_sha256 is null or is_stale;

-- They have another form.
truncate search.answers;
