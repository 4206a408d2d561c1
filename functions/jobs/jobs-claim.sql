-- Leases notes that lack vectors. One call is one transaction.
--
-- Outcomes: claimed (body: the notes; bulk: the texts that lack a vector, null if none does), idle (there is nothing to do).
create or replace function api.jobs_claim(p_model text, p_notes_max integer, p_texts_max integer) returns api.reply
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_claim constant search.claim := search.claim(p_model, p_notes_max, p_texts_max);
  v_reply api.reply;
begin
  v_reply.outcome := case when v_claim.notes is null then 'idle' else 'claimed' end;
  v_reply.body := v_claim.notes::text;
  v_reply.bulk := v_claim.texts::text;
  return v_reply;
end $$;
revoke execute on function api.jobs_claim from public, noted_app;
grant execute on function api.jobs_claim to noted_worker;
