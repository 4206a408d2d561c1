-- No rows came with these functions, and none go.
drop function search.state, search.pending_count, search.find, search.vector_hits, search.near_hits, search.exact_hits, search.exact_hits_of, search.word_hits, search.few_notes,
  search.passes, auth.enter_again;
drop index search.embeddings_near;
drop type search.hit;
drop type search.filter;
revoke execute on function sync.instant from noted_search;
revoke usage on schema sync, auth from noted_search;
