-- A function of `noted_search` may be executed by everybody again, unless it is revoked.
set local role noted_search;
alter default privileges grant execute on functions to public;
reset role;
