-- Agents' texts are held against the rules of their workspace, and compared with notes by their vectors.

-- What a workspace has agents' notes held against besides the rules that are the same for all.
alter table noted.workspaces add column agent_note_bytes_max integer not null default 102400;
-- Words that agents may not use; none unless somebody sets some.
alter table noted.workspaces add column agent_refused_words text[] not null default '{}';
alter table noted.workspaces add constraint workspaces_agent_rules_bounded check (
  agent_note_bytes_max between 1024 and 1048576 and cardinality(agent_refused_words) <= 1000);

-- The rules of a workspace, as components read them.
create function sync.agent_rules(p_workspace_id uuid) returns jsonb
language sql stable
return (
  select jsonb_build_object('bytes_max', workspace.agent_note_bytes_max, 'refused_words', workspace.agent_refused_words)
    from noted.workspaces as workspace where workspace.id = p_workspace_id);

-- Sets the rules of a workspace, and answers them; what is null stays as it is. For the owner of the schema only.
create function sync.set_agent_rules(p_workspace_id uuid, p_bytes_max integer, p_refused_words text[]) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('noted.workspace_id', p_workspace_id::text, true);
  perform sync.lock_workspace(p_workspace_id);
  update noted.workspaces as workspace
    set agent_note_bytes_max = coalesce(p_bytes_max, workspace.agent_note_bytes_max),
        agent_refused_words = coalesce(p_refused_words, workspace.agent_refused_words)
    where workspace.id = p_workspace_id;
  return sync.agent_rules(p_workspace_id);
end $$;

-- The title of a live note that says what a text says: to each of the text's vectors one of the note's is near. Null if there is none.
create function search.similar_note(p_workspace_id uuid, p_model text, p_embeddings text[], p_except uuid) returns text
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  c_similarity_min constant double precision := 0.95;
  c_candidates constant integer := 50;
  v_embeddings constant halfvec[] := p_embeddings::halfvec[];
  v_title text;
begin
  -- What is near to all of them is near to the first: so all notes are searched once, and few are looked at more closely.
  select note.title into v_title
    from search.vector_hits(p_workspace_id, p_model, v_embeddings[1], null::search.filter, null::uuid[], c_candidates) as near
    join noted.notes as note on note.workspace_id = p_workspace_id and note.id = near.note_id and note.deleted_at is null
    where near.score > c_similarity_min and near.note_id is distinct from p_except
      and not exists (
        select from unnest(v_embeddings) as wanted (embedding)
          where not exists (
            select from search.chunks as chunk
              join search.embeddings as known
                on known.workspace_id = p_workspace_id and known.model = p_model and known.text_hash = chunk.text_hash
              where chunk.workspace_id = p_workspace_id and chunk.note_id = near.note_id
                and 1 - (known.embedding <=> wanted.embedding) > c_similarity_min))
    order by near.score desc, near.note_id limit 1;
  return v_title;
end $$;

-- Keeps the vectors that a text was compared by, now that it is a note's: the same text need not be sent again. They are in the order of the
-- chunks that have words.
create function search.keep_vectors(p_workspace_id uuid, p_note_id uuid, p_likeness jsonb) returns void
language plpgsql volatile set search_path = pg_catalog, public, pg_temp as $$
declare
  v_kept bigint;
begin
  insert into search.embeddings (workspace_id, model, text_hash, embedding)
    select p_workspace_id, p_likeness ->> 'model', chunk.text_hash, fetched.embedding::halfvec(1024)
      from jsonb_array_elements_text(p_likeness -> 'embeddings') with ordinality as fetched (embedding, place)
      join (
        select embeddable.text_hash, row_number() over (order by embeddable.chunk_index) as place
          from search.chunks as embeddable
          where embeddable.workspace_id = p_workspace_id and embeddable.note_id = p_note_id and embeddable.chunk_index >= 0
            and embeddable.words_count > 0
      ) as chunk on chunk.place = fetched.place
    on conflict (workspace_id, model, text_hash) do nothing;
  get diagnostics v_kept = row_count;
  update search.workspaces as workspace
    set embedded_chunks = workspace.embedded_chunks + v_kept,
        embedded_tokens = workspace.embedded_tokens + (p_likeness ->> 'tokens')::bigint
    where workspace.workspace_id = p_workspace_id;
end $$;

-- The model by which a text can be compared with the notes of a workspace; null where no text may go to a provider, there is nothing to compare
-- with, or the provider is left alone.
create function search.comparable_by(p_workspace_id uuid) returns text
language sql stable
return (
  select known.embedding_model
    from noted.workspaces as workspace
    join search.workspaces as known on known.workspace_id = workspace.id
    left join search.providers as provider on provider.model = known.embedding_model
    where workspace.id = p_workspace_id and workspace.ai_processing and coalesce(provider.open_until <= now(), true)
      and exists (
        select from search.embeddings as embedding where embedding.workspace_id = p_workspace_id and embedding.model = known.embedding_model));

-- Completes what a component found of a text with what only the database knows: which note it is for, what that says now, and whether another
-- note of the workspace says the same. `compare_by` names the model whose vectors are still needed to tell.
create or replace function sync.judge(caller auth.caller, p_judgement jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_note record;
  v_likeness constant jsonb := p_judgement -> 'likeness';
  v_similar text;
  v_compare_by text;
  v_violations jsonb := p_judgement -> 'violations';
begin
  select note.id, note.title, note.content_sha256 into v_note from noted.notes as note
    where note.workspace_id = caller.workspace_id and note.id = coalesce(
      (p_judgement ->> 'note_id')::uuid,
      (sync.conflict_of(caller.workspace_id, (p_judgement ->> 'conflict_id')::uuid)).note_id);
  -- A note that keeps its text is as much a copy of another as it was before.
  if not (p_judgement -> 'allow_duplicate')::boolean and v_note.content_sha256 is distinct from p_judgement ->> 'content_sha256' then
    select note.title into v_similar from noted.notes as note
      where note.workspace_id = caller.workspace_id and note.content_sha256 = p_judgement ->> 'content_sha256' and note.deleted_at is null
      order by note.id limit 1;
    if v_similar is null and v_likeness -> 'embeddings' <> '[]' then
      v_similar := search.similar_note(
        caller.workspace_id, v_likeness ->> 'model', array(
          select fetched.embedding from jsonb_array_elements_text(v_likeness -> 'embeddings') with ordinality as fetched (embedding, place)
            order by fetched.place), v_note.id);
    elsif v_similar is null and v_violations = '[]' and v_likeness -> 'model' = 'null' then
      v_compare_by := search.comparable_by(caller.workspace_id);
    end if;
    if v_similar is not null then
      v_violations := v_violations || jsonb_build_object(
        'rule', 'duplicate_detection', 'message', 'Similar note already exists: ' || v_similar, 'line', null, 'recoverable', true);
    end if;
  end if;
  return p_judgement || jsonb_build_object(
    'note_id', v_note.id, 'title', coalesce(p_judgement ->> 'title', v_note.title), 'replaces', v_note.content_sha256,
    'violations', v_violations, 'compare_by', v_compare_by);
end $$;

-- What follows from a note that was just written or deleted: search, and what is known of agents and their readers. A text that was judged is
-- an agent's; other texts of people replace somebody's.
create or replace function sync.follow(caller auth.caller, p_note_id uuid, p_analysis jsonb) returns void
language plpgsql volatile as $$
begin
  perform search.follow(caller.workspace_id, p_note_id, p_analysis);
  if p_analysis ? 'judgement' then
    if p_analysis #> '{judgement,likeness,embeddings}' <> '[]' then
      perform search.keep_vectors(caller.workspace_id, p_note_id, p_analysis #> '{judgement,likeness}');
    end if;
    perform sync.record_attempt(caller, p_note_id, p_analysis -> 'judgement');
  elsif caller.kind in ('user', 'ide') then
    perform sync.record_correction(caller, p_note_id);
  end if;
end $$;

-- Whether an analysis is of a text that an agent sent and no rule was asked about, or not the rules of this workspace.
create or replace function sync.lacks_judgement(caller auth.caller, p_analysis jsonb) returns boolean
language sql stable
return coalesce(case
  when p_analysis ? 'judgement' then
    (caller).kind in ('agent', 'user') and p_analysis #> '{judgement,rules}' is distinct from sync.agent_rules((caller).workspace_id)
  else (caller).kind = 'agent' and p_analysis -> 'texts' <> '{}'
end, false);

-- The first statement of every function in `api` that changes one thing. A null idempotency key is not remembered. An agent's text must come with
-- a judgement in the analysis; the outcome not_judged (body: the workspace's rules) asks the component for one, not_compared (body: a model) asks
-- for the vectors that one lacks, and rule_broken (body: the violations) says what it led to.
create or replace function sync.begin_change(
  p_key_hash bytea, p_workspace_id uuid, p_scopes text[], p_endpoint text, p_idempotency_key text, p_request_hash text, p_analysis jsonb
) returns sync.change
language plpgsql volatile as $$
declare
  v_change sync.change;
  v_judgement jsonb;
begin
  v_change.caller := auth.enter(p_key_hash, p_workspace_id, p_scopes);
  v_change.endpoint := p_endpoint;
  v_change.idempotency_key := p_idempotency_key;
  v_change.request_hash := p_request_hash;
  v_change.analysis := p_analysis;
  if (v_change.caller).outcome <> 'entered' then
    v_change.reply := auth.reply(v_change.caller, (v_change.caller).outcome, (v_change.caller).detail);
    return v_change;
  end if;
  v_change.seq := sync.lock_workspace((v_change.caller).workspace_id) + 1;
  v_change.reply := sync.replay(v_change.caller, p_idempotency_key, p_endpoint, p_request_hash);
  if (v_change.reply).outcome is not null then
    return v_change;
  elsif sync.lacks_judgement(v_change.caller, p_analysis) then
    perform auth.uncount_request(v_change.caller);
    v_change.reply := auth.reply(v_change.caller, 'not_judged', sync.agent_rules((v_change.caller).workspace_id)::text);
  elsif p_analysis ? 'judgement' and (v_change.caller).kind in ('agent', 'user') then
    -- The one route on which a person's key brings a judgement refuses keys of other kinds itself.
    v_judgement := sync.judge(v_change.caller, p_analysis -> 'judgement');
    v_change.analysis := jsonb_set(p_analysis, '{judgement}', v_judgement);
    if v_judgement -> 'violations' <> '[]' then
      perform sync.record_attempt(v_change.caller, (v_judgement ->> 'note_id')::uuid, v_judgement);
      v_change.reply := auth.reply(v_change.caller, 'rule_broken', (v_judgement -> 'violations')::text);
    elsif v_judgement ->> 'compare_by' is not null then
      perform auth.uncount_request(v_change.caller);
      v_change.reply := auth.reply(v_change.caller, 'not_compared', (v_judgement -> 'compare_by')::text);
    end if;
  end if;
  return v_change;
end $$;

grant execute on function sync.agent_rules, search.keep_vectors, search.comparable_by to noted_api;
revoke execute on function search.similar_note from public;
grant execute on function search.similar_note to noted_api, noted_search;
alter function search.similar_note owner to noted_search;
