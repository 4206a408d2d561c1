-- Whose key it is: what a component may know of a person, which is the one whose key it was shown, and nobody else.

-- The member whose key opened this transaction. The owner of the schema reads `noted.users` here, because no component may: nothing can be asked for,
-- so nobody else can be found.
create function auth.me() returns json
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
  select json_build_object('id', person.id, 'email', person.email, 'role', member.role)
    from noted.user_api_keys as key
    join noted.workspace_members as member on member.workspace_id = key.workspace_id and member.user_id = key.user_id
    join noted.users as person on person.id = member.user_id
    where key.key_hash = decode(nullif(current_setting('noted.key_hash', true), ''), 'hex') and key.workspace_id = auth.workspace_id();
end;

-- Whether a caller may set how the workspace works: an owner, by a key of their own or one that was made for managing. No agent, whoever owns its key:
-- what is set binds agents.
create function auth.manages(caller auth.caller) returns boolean
language sql stable
return (caller).kind <> 'agent' and auth.me() ->> 'role' = 'owner' and ((caller).kind = 'user' or exists (
  select from noted.user_api_keys as key
    where key.workspace_id = (caller).workspace_id and key.id = (caller).key_id and 'api_keys:manage' = any (key.scopes)));

grant execute on function auth.me, auth.manages to noted_api;
