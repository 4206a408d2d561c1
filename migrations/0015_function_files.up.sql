-- From here on the functions of `auth`, `sync` and `search` are files in `functions/`, replaced as a whole after every migration.

-- As for the owner and for `noted_api` from the beginning: what nobody granted nobody may execute.
set local role noted_search;
alter default privileges revoke execute on functions from public;
reset role;
