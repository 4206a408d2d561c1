-- The roles stay: they belong to the server, and another database may use them.
drop schema api cascade;
drop schema sync cascade;
drop schema auth cascade;
drop schema noted cascade;
alter default privileges for role noted_api grant execute on functions to public;
alter default privileges grant execute on functions to public;
