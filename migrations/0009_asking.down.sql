-- No rows came with these types, and none go.
drop index search.embeddings_near;
drop type search.hit;
drop type search.filter;
revoke usage on schema sync, auth from noted_search;
