-- Requests are neither counted nor remembered.
drop type api.reply;
drop type auth.caller;
drop table noted.rate_counters;
drop table noted.idempotent_requests;
