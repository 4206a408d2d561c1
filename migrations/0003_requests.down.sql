-- Every function of `api` answers with `api.reply`; those of the components are put back after the next migration.
drop type api.reply cascade;
drop type auth.caller cascade;
drop function auth.rate_limit;
drop function sync.instant, sync.note_json, sync.noted_version, sync.has_seen, sync.counted, sync.lock_workspace, sync.keep_revision;
drop table noted.rate_counters;
drop table noted.idempotent_requests;
