-- No rows came with this type, and none go.
drop type search.claim;
