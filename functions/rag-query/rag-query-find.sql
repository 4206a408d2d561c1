-- Answers a question and keeps the answer for a minute. One call is one transaction. It follows `api.rag_query_begin`, which has counted the
-- request; the key is shown again, because nothing that reads notes goes without.
--
-- Outcomes: found (bulk: what `search.find` answers); unauthorized, wrong_workspace, missing_scope.
--
-- `p_models`, `p_embeddings`, `p_weights` and `p_thresholds` are as long as one another; `p_fresh` are the models whose vector of the question was just fetched, `p_failed`
-- the one that gave none. A null `p_request_hash` keeps no answer, because a degraded one would be given after its reason has gone.
create or replace function api.rag_query_find(
  p_key_hash bytea, p_workspace_id uuid, p_request_hash text, p_state text, p_question_hash text,
  p_mode text, p_question text, p_models text[], p_embeddings text[], p_weights text[], p_thresholds text[], p_fresh text[], p_failed text,
  p_filter text, p_limit integer
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  caller auth.caller := auth.enter_again(p_key_hash, p_workspace_id, array['rag:query']);
  v_answer json;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  insert into search.questions (workspace_id, model, question_hash, embedding)
    select caller.workspace_id, asked.model, decode(p_question_hash, 'hex'), asked.embedding::halfvec(1024)
      from unnest(p_models, p_embeddings) as asked (model, embedding)
      where asked.model = any (p_fresh)
    on conflict (workspace_id, model, question_hash) do update set embedding = excluded.embedding, created_at = excluded.created_at;
  -- It answers again, so what failed before was no row of failures. One that asked to be left alone is.
  delete from search.providers as provider where provider.model = any (p_fresh) and provider.open_until <= now();
  if p_failed is not null then
    perform search.provider_failed(p_failed, null);
  end if;
  v_answer := search.find(
    caller.workspace_id, p_mode, p_question::jsonb, p_models, p_embeddings, p_weights::double precision[], p_thresholds::double precision[],
    p_filter::jsonb, p_limit);
  if p_request_hash is not null then
    insert into search.answers as answer (workspace_id, request_hash, state, answer)
      values (caller.workspace_id, decode(p_request_hash, 'hex'), p_state, v_answer::text)
      on conflict (workspace_id, request_hash) do update
        set state = excluded.state, answer = excluded.answer, created_at = excluded.created_at;
  end if;
  return auth.reply(caller, 'found', null, v_answer::text);
end $$;
