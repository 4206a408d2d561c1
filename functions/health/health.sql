-- Whether what the service stands on is there: 'ok', or why not. Nothing of a tenant is read.
create or replace function api.health(p_part text) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  case p_part
    when 'database' then
      return 'ok';
    when 'storage' then
      -- Without a workspace row security shows no note, but the table is read.
      perform from noted.notes limit 1;
      return case when pg_is_in_recovery() then 'read-only' else 'ok' end;
    when 'rag' then
      return search.health();
  end case;
end $$;
