-- Agents that write: what they tried, and what people made of it.
--
-- An agent's text is judged by rules before it is stored, whatever route it comes by. The rules are in the components, because they read markdown;
-- that they are asked is decided here, because only here is known whose key it is.

-- One attempt of an agent to write a text. What was refused is here and nowhere else.
create table noted.agent_write_attempts (
  workspace_id uuid not null,
  id uuid not null default noted.new_id(),
  note_id uuid,
  key_id uuid not null,
  title text,
  agent_model text,
  content_preview text not null,
  content_sha256 text not null,
  -- `retried` is one that passes after one that failed.
  validation_status text not null,
  validation_errors jsonb not null,
  rag_context_ids text[] not null,
  -- By the agent's clock. Kept, never used to decide anything.
  generated_at timestamptz,
  -- Whether the last attempt of this key at this note or title failed a moment ago.
  is_retry boolean not null,
  -- The version of the note that this text became; null where no new text was stored.
  written_version bigint,
  -- The clock and not the transaction's beginning: attempts of one batch are told apart by this.
  created_at timestamptz not null default clock_timestamp(),
  constraint agent_write_attempts_pkey primary key (workspace_id, id),
  constraint agent_write_attempts_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint agent_write_attempts_note_fkey foreign key (workspace_id, note_id) references noted.notes (workspace_id, id)
    on delete set null (note_id),
  constraint agent_write_attempts_status_known check (validation_status in ('passed', 'failed', 'retried')),
  constraint agent_write_attempts_errors_told check (
    jsonb_typeof(validation_errors) = 'array' and (validation_status = 'failed') = (validation_errors <> '[]')),
  constraint agent_write_attempts_preview_short check (char_length(content_preview) <= 500),
  constraint agent_write_attempts_failed_writes_nothing check (validation_status <> 'failed' or written_version is null)
);
create index idx_attempts_note on noted.agent_write_attempts (workspace_id, note_id, written_version);
create index idx_attempts_key on noted.agent_write_attempts (workspace_id, key_id, created_at);
create index idx_attempts_at on noted.agent_write_attempts (workspace_id, created_at);

-- What people did to a text that an agent wrote. The texts outlive the note: they are what is learned from.
create table noted.agent_note_corrections (
  workspace_id uuid not null,
  id uuid not null default noted.new_id(),
  note_id uuid,
  user_id uuid not null,
  agent_model text,
  original_content text not null,
  -- Null where the note was deleted or disliked: nothing came in its place.
  corrected_content text,
  -- These three are null until the two texts are compared. That takes longer than the person who saves should wait, and nobody needs it before
  -- somebody asks: whoever does has it done.
  correction_type text,
  edit_distance integer,
  similarity double precision,
  -- Deleted at once.
  is_strong boolean not null default false,
  -- Of a dislike.
  reasons text[] not null default '{}',
  corrected_at timestamptz not null default now(),
  constraint agent_note_corrections_pkey primary key (workspace_id, id),
  constraint agent_note_corrections_workspace_fkey foreign key (workspace_id) references noted.workspaces (id) on delete cascade,
  constraint agent_note_corrections_note_fkey foreign key (workspace_id, note_id) references noted.notes (workspace_id, id)
    on delete set null (note_id),
  constraint agent_note_corrections_type_known check (correction_type in (
    'syntax_fix', 'factual_correction', 'style_improvement', 'deletion', 'major_rewrite', 'user_dislike')),
  constraint agent_note_corrections_compared check (
    corrected_content is null or (correction_type is null) = (edit_distance is null) and (correction_type is null) = (similarity is null)),
  constraint agent_note_corrections_replaced check (
    (corrected_content is null) = (correction_type is not null and correction_type in ('deletion', 'user_dislike'))),
  constraint agent_note_corrections_distance_form check (edit_distance >= 0 and similarity between 0 and 1),
  constraint agent_note_corrections_strong_deletion check (not is_strong or correction_type = 'deletion'),
  constraint agent_note_corrections_reasons_known check (
    reasons <@ array['inaccurate', 'wrong_format', 'unhelpful', 'too_long'] and (reasons = '{}' or correction_type = 'user_dislike'))
);
do $$
begin
  alter table noted.agent_note_corrections alter column original_content set compression lz4;
  alter table noted.agent_note_corrections alter column corrected_content set compression lz4;
exception when feature_not_supported then null;
end $$;
create index idx_corrections_note on noted.agent_note_corrections (workspace_id, note_id);
create index idx_corrections_type on noted.agent_note_corrections (workspace_id, correction_type, corrected_at);
create index corrections_not_compared on noted.agent_note_corrections (workspace_id, id) where correction_type is null;

alter table noted.agent_write_attempts enable row level security, force row level security;
create policy agent_write_attempts_tenant on noted.agent_write_attempts using (workspace_id = auth.workspace_id());
alter table noted.agent_note_corrections enable row level security, force row level security;
create policy agent_note_corrections_tenant on noted.agent_note_corrections using (workspace_id = auth.workspace_id());
-- Attempts are added to and read, never changed; a dislike can be taken back.
grant select, insert on noted.agent_write_attempts to noted_api;
grant select, insert, update, delete on noted.agent_note_corrections to noted_api;

-- Equal texts are found without reading every note.
create index notes_text_live on noted.notes (workspace_id, content_sha256) where deleted_at is null;
