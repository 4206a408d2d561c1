-- A note says how far its embedding is.

-- How far the embedding of a note is, and what was wrong at the last attempt; both are null where the workspace wants none.
create type search.embedding as (
  status text,
  error text
);
