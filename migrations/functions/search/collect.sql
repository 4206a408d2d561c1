-- What search does not need any more, and whose turn it is to be cleared up.

set local role noted_search;

-- The workspace that has waited longest for the collector; null if none is due. In the name of a role that sees all of them.
create function search.next_to_collect() returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select workspace.id from noted.workspaces as workspace where workspace.collect_at <= now() order by workspace.collect_at limit 1;
end;

-- Forgets questions and answers that are too old to be given again, at most `p_limit` of each. Answers how many of the one it was that had more.
create function search.prune_answers(p_limit integer) returns bigint
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_questions bigint;
  v_answers bigint;
begin
  delete from search.questions as question
    where (question.workspace_id, question.model, question.question_hash) in (
      select old.workspace_id, old.model, old.question_hash from search.questions as old
        where old.created_at < now() - interval '5 minutes' order by old.created_at limit p_limit for update skip locked);
  get diagnostics v_questions = row_count;
  delete from search.answers as answer
    where (answer.workspace_id, answer.request_hash) in (
      select old.workspace_id, old.request_hash from search.answers as old
        where old.created_at < now() - interval '1 minute' order by old.created_at limit p_limit for update skip locked);
  get diagnostics v_answers = row_count;
  return greatest(v_questions, v_answers);
end $$;

grant execute on function search.next_to_collect, search.prune_answers to noted_api;
