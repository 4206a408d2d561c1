-- No rows came with these functions, and none go.
drop function search.set_consent, search.status_json, search.drop_old_vectors, search.provider_failed, search.fail, search.finish, search.store, search.claim, search.prune_answers,
  search.count_one, search.count_lexemes, search.not_analysed, search.queue, search.queue_for_model;
drop type search.claim;
