-- How a request that changes something begins and ends, the same for all of them: entered, alone in its workspace, done once, counted, remembered.

-- A change on its way.
create type sync.change as (
  caller auth.caller,
  -- The place in the workspace's order that the change takes.
  seq bigint,
  endpoint text,
  idempotency_key text,
  request_hash text,
  -- What `search.follow` asks for; null where nothing is written that the sender has the text of.
  analysis jsonb,
  -- What to answer when there is nothing to do any more: a refusal, or what an earlier request with this key was answered. Otherwise null.
  reply api.reply
);
