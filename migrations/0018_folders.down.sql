-- Folders can only be counted in again.

revoke insert, delete on noted.folders from noted_api;
alter table noted.folders drop column updated_at;
