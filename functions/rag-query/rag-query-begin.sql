-- Begins a question: an answer that was given before, or what is needed to find one. One call is one transaction.
--
-- Outcomes: answered (body: how many notes wait for vectors; bulk: the earlier answer), ready (body: the state that an answer is made of, the models that the workspace has vectors of, each
-- with the question's vector if that is still known, and whether the provider is to be left alone), no_consent (only vectors were asked for, and
-- the workspace lets no text go to a provider); unauthorized, wrong_workspace, missing_scope, rate_limited.
create or replace function api.rag_query_begin(
  p_key_hash bytea, p_workspace_id uuid, p_request_hash text, p_question_hash text, p_mode text
) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  caller auth.caller := auth.enter(p_key_hash, p_workspace_id, array['rag:query']);
  v_state text;
  v_answer text;
  v_models json;
  v_consents boolean;
begin
  if caller.outcome <> 'entered' then
    return auth.reply(caller, caller.outcome, caller.detail);
  end if;
  select workspace.ai_processing into v_consents from noted.workspaces as workspace where workspace.id = caller.workspace_id;
  if p_mode = 'vector' and not v_consents then
    return auth.reply(caller, 'no_consent');
  end if;
  v_state := search.state(caller.workspace_id);
  select answer.answer into v_answer from search.answers as answer
    where answer.workspace_id = caller.workspace_id and answer.request_hash = decode(p_request_hash, 'hex')
      and answer.state = v_state and answer.created_at > now() - interval '1 minute';
  if found then
    return auth.reply(caller, 'answered', json_build_object('pending_count', search.pending_count(caller.workspace_id))::text, v_answer);
  end if;

  if p_mode <> 'text' and v_consents then
    -- One step from model to model, instead of over all vectors.
    with recursive live (model) as (
      (select embedding.model from search.embeddings as embedding
        where embedding.workspace_id = caller.workspace_id order by embedding.model limit 1)
      union all
      select (select embedding.model from search.embeddings as embedding
          where embedding.workspace_id = caller.workspace_id and embedding.model > live.model order by embedding.model limit 1)
        from live where live.model is not null
    )
    select json_agg(json_build_object(
        'model', live.model,
        'embedding', question.embedding::text,
        'is_open', coalesce(provider.open_until > now(), false)))
      into v_models
      from live
      left join search.questions as question
        on question.workspace_id = caller.workspace_id and question.model = live.model and question.question_hash = decode(p_question_hash, 'hex')
          and question.created_at > now() - interval '5 minutes'
      left join search.providers as provider on provider.model = live.model
      where live.model is not null;
  end if;
  return auth.reply(caller, 'ready', json_build_object(
    'state', v_state, 'consents', v_consents, 'models', coalesce(v_models, '[]'), 'pending_count', search.pending_count(caller.workspace_id))::text);
end $$;
