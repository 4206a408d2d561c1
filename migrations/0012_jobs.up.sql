-- What nobody needs any more is cleared away, by a job that goes from workspace to workspace.

-- When the collector comes next: once a day, or as soon as what it works at should be done. A new workspace has nothing to collect.
alter table noted.workspaces add column collect_at timestamptz not null default now() + interval '1 day';
create index workspaces_collect_at on noted.workspaces (collect_at);
