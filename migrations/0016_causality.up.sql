-- What is stored is what this release can read, a writer's name belongs to a key, and a text says who wrote it.

-- Whether a JSON value is a version vector of a note at this version: at most one counter for each of 65 writers and one for all others, which no
-- writer's is lower than, and none higher than the number of changes that there were.
create function noted.is_vector(p_vector jsonb, p_version bigint) returns boolean
language sql immutable parallel safe
return case when jsonb_typeof(p_vector) = 'object' then (
  select count(*) <= 66 and coalesce(bool_and(
      counted.origin ~ '^[!-~]{1,128}$' and jsonb_typeof(counted.counter) = 'number'
        and case when counted.counter::text ~ '^[0-9]{1,16}$' then counted.counter::text::bigint between coalesce((p_vector ->> '~')::bigint, 0) and p_version
          else false end), true)
    from jsonb_each(p_vector) as counted (origin, counter)
) else false end;

-- Whether a text is a path as clients read it: it names one file inside the folder, the same one on every system. `shared/src/domain/note_path.rs`
-- has the rules with their reasons; `tests/it/contract/paths.rs` holds the two together.
create function noted.is_path(p_path text) returns boolean
language sql immutable parallel safe
return octet_length(p_path) between 1 and 1024
  and p_path is nfc normalized
  and p_path !~ '[\u0001-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f:\\]'
  and octet_length(p_path) - octet_length(replace(p_path, '/', '')) < 64
  -- Empty, `.`, `..`, one that begins with a space, one that ends with a space or a dot.
  and p_path !~ '(^|/)($|/| )' and p_path !~ '[. ]($|/)'
  and lower(p_path collate "C") !~ '%(2e|2f|5c|00|25|c0)'
  and lower(p_path collate "C") !~ '(^|/)(\.git|git~1)($|/)'
  and lower(p_path collate "C")
    !~ '(^|/)(con|prn|aux|nul|com[1-9]|lpt[1-9])[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*(\.[^/]*)?($|/)'
  and (octet_length(p_path) <= 255 or not exists (
    select from string_to_table(p_path, '/') as segment where octet_length(segment) > 255));

grant execute on function noted.is_vector, noted.is_path to noted_api, noted_search;

-- A database that was set back to a backup would give counters out again that it gave out before, for other texts. So with a new epoch, all counters
-- begin under new names.
alter table noted.workspaces add column generation text;
create function noted.begin_generation() returns trigger
language plpgsql as $$
begin
  -- The end is the random part.
  new.generation := right(new.epoch::text, 8);
  return new;
end $$;
create trigger workspaces_generation before update of epoch on noted.workspaces
  for each row when (new.epoch is distinct from old.epoch) execute function noted.begin_generation();

-- Earlier releases believed what a client said that it had seen. Where that was stored, nobody can tell any more who has seen what: the note
-- begins with a vector that nobody has, and the workspace with an epoch that nobody knows, so that every client compares all of its texts. A path
-- that clients refuse to read is taken from its note, which keeps its text.
do $$
declare
  v_mended record;
begin
  alter table noted.workspaces no force row level security;
  alter table noted.notes no force row level security;
  for v_mended in
    select note.workspace_id, note.id, not noted.is_vector(note.version_vector, note.version) as is_forged
      from noted.notes as note
      where not noted.is_vector(note.version_vector, note.version) or not noted.is_path(note.ide_file_path)
        or note.last_sync_origin_id !~ '^[!-~]{1,128}$' or note.last_sync_origin_id = '~'
      order by note.workspace_id, note.seq
  loop
    update noted.workspaces as workspace
      set seq = workspace.seq + 1, epoch = case when v_mended.is_forged then noted.new_id() else workspace.epoch end
      where workspace.id = v_mended.workspace_id;
    update noted.notes as note
      set version = note.version + 1, updated_at = now(),
          seq = (select workspace.seq from noted.workspaces as workspace where workspace.id = v_mended.workspace_id),
          version_vector = case when v_mended.is_forged then jsonb_build_object('~', note.version + 1) else note.version_vector end,
          ide_file_path = case when noted.is_path(note.ide_file_path) then note.ide_file_path end,
          last_sync_origin_id = case when note.last_sync_origin_id ~ '^[!-~]{2,128}$' then note.last_sync_origin_id else 'unknown' end
      where note.workspace_id = v_mended.workspace_id and note.id = v_mended.id;
    raise warning 'note % of workspace % could not be read, or claimed changes that there never were; it was mended', v_mended.id, v_mended.workspace_id;
  end loop;
  alter table noted.notes force row level security;
  alter table noted.workspaces force row level security;
end $$;

alter table noted.notes
  drop constraint notes_vector_form, drop constraint notes_path_form, drop constraint notes_origin_form,
  add constraint notes_vector_form check (noted.is_vector(version_vector, version)),
  add constraint notes_path_form check (noted.is_path(ide_file_path)),
  add constraint notes_origin_form check (last_sync_origin_id ~ '^[!-~]{1,128}$' and last_sync_origin_id <> '~');

-- Under which names a key writes: the first that uses one has it. A name of the form `key-<id>` is the key's own from the beginning and is
-- not listed here.
create table noted.sync_origins (
  workspace_id uuid not null,
  origin text not null,
  key_id uuid not null,
  since timestamptz not null default now(),
  constraint sync_origins_pkey primary key (workspace_id, origin),
  constraint sync_origins_key_fkey foreign key (workspace_id, key_id) references noted.user_api_keys (workspace_id, id) on delete cascade,
  constraint sync_origins_origin_form check (origin ~ '^[!-~]{1,128}$' and origin <> '~')
);
create index sync_origins_key on noted.sync_origins (workspace_id, key_id);
alter table noted.sync_origins enable row level security, force row level security;
create policy sync_origins_tenant on noted.sync_origins using (workspace_id = auth.workspace_id());
grant select, insert on noted.sync_origins to noted_api;

-- Who wrote the text, as the server knows it, and not as the writer calls itself; null in what earlier releases wrote. No reference, because a text
-- outlives the key.
alter table noted.notes
  add column author_key_id uuid, add column author_kind text, add column author_model text;
alter table noted.note_revisions
  add column author_key_id uuid, add column author_kind text, add column author_model text;

-- What the key may do besides what the route asks for, whether the workspace has no more room, and the model that a text was written by.
alter type auth.caller add attribute scopes text[], add attribute is_full boolean, add attribute model text, add attribute generation text;
-- The name that the change is written under.
alter type sync.change add attribute origin text;
alter type sync.version add attribute author jsonb;
