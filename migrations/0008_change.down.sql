-- No rows came with these functions, and none go.
drop function sync.both, sync.end_change, sync.begin_change;
drop type sync.change;
