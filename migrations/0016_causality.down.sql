-- Vectors with a counter for all others are read by the release before as those of one more writer.
alter type sync.version drop attribute author;
alter type sync.change drop attribute origin;
drop trigger workspaces_generation on noted.workspaces;
drop function noted.begin_generation();
alter table noted.workspaces drop column generation;
alter type auth.caller drop attribute generation, drop attribute model, drop attribute is_full, drop attribute scopes;
alter table noted.note_revisions drop column author_key_id, drop column author_kind, drop column author_model;
alter table noted.notes drop column author_key_id, drop column author_kind, drop column author_model;
drop table noted.sync_origins;
alter table noted.notes
  drop constraint notes_vector_form, drop constraint notes_path_form, drop constraint notes_origin_form,
  add constraint notes_vector_form check (jsonb_typeof(version_vector) = 'object'),
  add constraint notes_path_form check (octet_length(ide_file_path) between 1 and 1024),
  add constraint notes_origin_form check (octet_length(last_sync_origin_id) between 1 and 128);
drop function noted.is_path(text);
drop function noted.is_vector(jsonb, bigint);
