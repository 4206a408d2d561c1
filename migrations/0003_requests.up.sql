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

-- A caller's answer, with what every answer says about the rate.
create function auth.reply(caller auth.caller, outcome text, body text default null, bulk text default null) returns api.reply
language sql stable
return row(
  outcome, body, bulk, (caller).user_id::text, (caller).rate_limit, (caller).rate_remaining,
  (extract(epoch from (caller).rate_reset_at) * 1000000)::bigint
)::api.reply;

-- Requests a minute by tier; null is not counted.
create function auth.rate_limit(p_tier text) returns integer
language sql immutable
return case p_tier when 'free' then 100 when 'pro' then 200 when 'dev' then 60000 end;

-- Counts one request, unless that would make more than the limit in any sixty seconds: thirteen steps of five always cover them.
create function auth.count_request(inout caller auth.caller) returns auth.caller
language plpgsql volatile as $$
declare
  v_steps constant bigint := 13;
  v_step constant bigint := extract(epoch from clock_timestamp())::bigint / 5;
  -- A small limit is kept exactly, in one row that each request waits for. A large one is spread over rows, so that a user's parallel
  -- requests do not wait for one another; each then sees the others a moment late.
  v_is_exact constant boolean := caller.rate_limit < 1000;
  v_slot constant smallint := case when v_is_exact then 0 else pg_backend_pid() % 8 end;
  v_total bigint;
  v_oldest bigint;
begin
  if v_is_exact then
    perform from noted.rate_counters as counter
      where counter.workspace_id = caller.workspace_id and counter.user_id = caller.user_id and counter.slot = v_slot
      for no key update;
  end if;
  select coalesce(sum(counted.hits), 0), coalesce(max(counted.place + v_step - counter.step) filter (where counted.hits > 0), 1)
    into v_total, v_oldest
    from noted.rate_counters as counter, unnest(counter.counts) with ordinality as counted (hits, place)
    where counter.workspace_id = caller.workspace_id and counter.user_id = caller.user_id
      and counted.place + v_step - counter.step <= v_steps;
  caller.rate_remaining := greatest(caller.rate_limit - v_total - 1, 0);
  -- When the oldest request that counts will have left the window.
  caller.rate_reset_at := to_timestamp(5 * (v_step + v_steps + 1 - v_oldest));

  if v_total >= caller.rate_limit then
    caller.outcome := 'rate_limited';
    return;
  end if;
  insert into noted.rate_counters as counter (workspace_id, user_id, slot, step, counts)
    values (caller.workspace_id, caller.user_id, v_slot, v_step, array[1])
    on conflict (workspace_id, user_id, slot) do update
      set step = greatest(counter.step, excluded.step),
          counts = case
            when excluded.step <= counter.step then array[counter.counts[1] + 1] || counter.counts[2:]
            else (array[1] || array_fill(0, array[least(excluded.step - counter.step - 1, v_steps)::integer]) || counter.counts)[1:v_steps]
          end;
end $$;

-- The first statement of every function in `api`. Checks the key, its scopes and its rate in that order, and from then on lets the
-- transaction see the key's workspace and nothing else. A null `p_workspace_id` means that the client named none.
create function auth.enter(p_key_hash bytea, p_workspace_id uuid, p_scopes text[]) returns auth.caller
language plpgsql volatile as $$
declare
  caller auth.caller;
  v_scopes text[];
begin
  -- Shows the one row of this key, whatever its workspace.
  perform set_config('noted.key_hash', encode(p_key_hash, 'hex'), true);
  select key.workspace_id, key.user_id, key.id, key.kind, key.scopes
    into caller.workspace_id, caller.user_id, caller.key_id, caller.kind, v_scopes
    from noted.user_api_keys as key
    where key.key_hash = p_key_hash and key.revoked_at is null and key.expires_at > now();
  if not found then
    caller.outcome := 'unauthorized';
    return caller;
  end if;
  perform set_config('noted.workspace_id', caller.workspace_id::text, true);

  if p_workspace_id <> caller.workspace_id then
    caller.outcome := 'wrong_workspace';
    return caller;
  end if;
  caller.detail := (select scope from unnest(p_scopes) as scope where scope <> all (v_scopes) limit 1);
  if caller.detail is not null then
    caller.outcome := 'missing_scope';
    return caller;
  end if;

  caller.outcome := 'entered';
  select auth.rate_limit(workspace.tier) into caller.rate_limit from noted.workspaces as workspace where workspace.id = caller.workspace_id;
  if caller.rate_limit is not null then
    caller := auth.count_request(caller);
  end if;
  return caller;
end $$;

-- An instant as RFC 3339 in UTC.
create function sync.instant(p_at timestamptz) returns text
language sql stable
return to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

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
  'created_at', sync.instant((p_note).created_at),
  'updated_at', sync.instant((p_note).updated_at),
  'content', case when p_with_content then (p_note).content end
);

-- The version that a request stood in conflict with, whole.
create function sync.noted_version(p_note noted.notes) returns json
language sql stable
return json_build_object(
  'id', (p_note).id,
  'title', (p_note).title,
  'content', (p_note).content,
  'content_sha256', (p_note).content_sha256,
  'ide_file_path', (p_note).ide_file_path,
  'version', (p_note).version,
  'version_vector', (p_note).version_vector,
  'created_at', sync.instant((p_note).created_at),
  'updated_at', sync.instant((p_note).updated_at)
);

-- Whether a copy with the first vector has seen every change in the second.
create function sync.has_seen(p_mine jsonb, p_theirs jsonb) returns boolean
language sql immutable
return not exists (
  select from jsonb_each_text(p_theirs) as theirs
  where coalesce((p_mine ->> theirs.key)::bigint, 0) < theirs.value::bigint
);

-- A vector with one more change by an origin. Counters stop at the largest number that every JSON reader keeps exact.
create function sync.counted(p_vector jsonb, p_origin text) returns jsonb
language sql immutable
return p_vector || jsonb_build_object(p_origin, least(coalesce((p_vector ->> p_origin)::bigint, 0) + 1, 9007199254740991));

-- Takes the workspace for writing. Every change of a workspace waits here, so that what follows in the function is alone with it: no
-- check can be overtaken, and the order of commits is the order of `seq`.
create function sync.lock_workspace(p_workspace_id uuid) returns bigint
language plpgsql volatile as $$
declare
  v_seq bigint;
begin
  select workspace.seq into strict v_seq from noted.workspaces as workspace where workspace.id = p_workspace_id for no key update;
  return v_seq;
end $$;

-- What an earlier request with this key was answered, if there was one in the last day: 'replayed' with its body, or 'key_reused' if it
-- asked for something else.
create function sync.replay(caller auth.caller, p_key text, p_endpoint text, p_request_hash text) returns api.reply
language plpgsql stable as $$
declare
  v_earlier record;
begin
  select earlier.request_hash, earlier.response_body into v_earlier
    from noted.idempotent_requests as earlier
    where earlier.workspace_id = caller.workspace_id and earlier.idempotency_key = p_key and earlier.endpoint = p_endpoint
      and earlier.created_at > now() - interval '24 hours';
  if not found then
    return null;
  elsif v_earlier.request_hash <> p_request_hash then
    return auth.reply(caller, 'key_reused');
  end if;
  return auth.reply(caller, 'replayed', v_earlier.response_body);
end $$;

-- Remembers an answer. A key from before yesterday is free again.
create function sync.remember(caller auth.caller, p_key text, p_endpoint text, p_request_hash text, p_status integer, p_body text) returns void
language plpgsql volatile as $$
begin
  insert into noted.idempotent_requests (workspace_id, idempotency_key, endpoint, user_id, request_hash, status_code, response_body)
    values (caller.workspace_id, p_key, p_endpoint, caller.user_id, p_request_hash, p_status, p_body)
    on conflict (workspace_id, idempotency_key, endpoint) do update
      set user_id = excluded.user_id, request_hash = excluded.request_hash, status_code = excluded.status_code,
          response_body = excluded.response_body, created_at = excluded.created_at;
end $$;

-- Keeps the text of a note that is about to be replaced or deleted, under the name of who wrote it.
create function sync.keep_revision(p_note noted.notes) returns void
language plpgsql volatile as $$
begin
  insert into noted.note_revisions (
      workspace_id, note_id, version_number, title, content, content_sha256, version_vector, created_by, created_at)
    values (p_note.workspace_id, p_note.id, p_note.version, p_note.title, p_note.content, p_note.content_sha256,
      p_note.version_vector, p_note.last_sync_origin_id, p_note.updated_at);
end $$;

grant execute on all functions in schema auth, sync to noted_api;
revoke execute on function auth.workspace_create, auth.key_create, auth.default_scopes from noted_api;

-- Whether a caller may ask at all: for requests that are wrong in themselves, so that only those who may ask are told so.
create function api.caller(p_key_hash bytea, p_workspace_id uuid, p_scopes text[]) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, p_scopes);
begin
  return auth.reply(caller, caller.outcome, caller.detail);
end $$;
alter function api.caller owner to noted_api;
revoke execute on function api.caller from public;
grant execute on function api.caller to noted_app;
