-- How a request enters, and what is remembered of it.

-- The answers to requests that changed something, for a day, so that a retry is answered and not repeated. Written in the transaction of
-- the change: there is never a key without its effect.
create table noted.idempotent_requests (
  workspace_id uuid not null,
  idempotency_key text not null,
  -- Method and path.
  endpoint text not null,
  user_id uuid not null,
  request_hash text not null,
  status_code smallint not null,
  -- The answer without the note's text, which a request with the same hash brings along.
  response_body text not null,
  created_at timestamptz not null default now(),
  constraint idempotent_requests_pkey primary key (workspace_id, idempotency_key, endpoint),
  constraint idempotent_requests_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint idempotent_requests_key_form check (octet_length(idempotency_key) between 1 and 255),
  constraint idempotent_requests_hash_form check (octet_length(request_hash) = 64)
);
create index idx_idempotent_created_at on noted.idempotent_requests (created_at);

-- Requests of the last minute, in steps of five seconds, newest first. Unlogged: after a crash everybody starts afresh.
create unlogged table noted.rate_counters (
  workspace_id uuid not null,
  user_id uuid not null,
  slot smallint not null,
  step bigint not null,
  counts integer[] not null,
  constraint rate_counters_pkey primary key (workspace_id, user_id, slot)
) with (fillfactor = 50);

alter table noted.idempotent_requests enable row level security, force row level security;
create policy idempotent_requests_tenant on noted.idempotent_requests using (workspace_id = auth.workspace_id());
alter table noted.rate_counters enable row level security, force row level security;
create policy rate_counters_tenant on noted.rate_counters using (workspace_id = auth.workspace_id());

grant select, insert, update on noted.idempotent_requests to noted_api;
grant select, insert, update on noted.rate_counters to noted_api;

-- Who asks, or why not. `outcome` is 'entered', or the refusal that the request must be answered with.
create type auth.caller as (
  outcome text,
  -- What the refusal is about: the missing scope.
  detail text,
  workspace_id uuid,
  user_id uuid,
  key_id uuid,
  kind text,
  -- Null where requests are not counted.
  rate_limit integer,
  rate_remaining integer,
  rate_reset_at timestamptz
);

-- What every function of `api` answers with.
create type api.reply as (
  outcome text,
  -- A small JSON value that the component reads.
  body text,
  -- JSON that the component passes on unread, where reading it would cost more than all the rest.
  bulk text,
  user_id text,
  rate_limit integer,
  rate_remaining integer,
  rate_reset_us bigint
);
