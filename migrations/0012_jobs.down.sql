-- Nothing is cleared away by itself again.
alter table noted.workspaces drop column collect_at;
