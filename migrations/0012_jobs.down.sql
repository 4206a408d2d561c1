-- Nothing is cleared away by itself again.
drop function search.next_to_collect, search.prune_answers(integer), sync.collect, sync.prune_attempts, sync.attempt_retention, auth.prune_counters;
-- Forgets questions and answers that are too old to be given again.
create function search.prune_answers() returns void
language sql volatile security definer set search_path = pg_catalog, public, pg_temp
begin atomic
  delete from search.questions as question where question.created_at < now() - interval '5 minutes';
  delete from search.answers as answer where answer.created_at < now() - interval '1 minute';
end;
revoke execute on function search.prune_answers from public;
grant execute on function search.prune_answers to noted_api, noted_search;
alter function search.prune_answers owner to noted_search;
alter table noted.workspaces drop column collect_at;
