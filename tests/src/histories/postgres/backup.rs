//! A backup of one workspace, beside its tables: what `pg_dump` and `pg_restore` do to a database, done to the rows of a history.

use noted_shared::domain::EpochId;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::station::{Station, told};

/// What a backup holds besides the workspace's counters; what refers to another comes behind it.
const TABLES: [&str; 6] = ["notes", "note_revisions", "idempotent_requests", "sync_conflict_events", "conflict_texts", "sync_origins"];
const COUNTERS: &str = "seq, live_notes, synced_notes, stored_bytes, last_sync_at, tombstone_horizon";

impl Station {
    /// Copies all that the workspace has, in place of an earlier copy.
    pub(super) fn back_up(&mut self) -> Result<(), String> {
        let copy = |table: &str| {
            format!(
                "create temp table if not exists saved_{table} (like noted.{table}); delete from saved_{table};
                 insert into saved_{table} select * from noted.{table};"
            )
        };
        let copies: String = TABLES.iter().chain(&["workspaces"]).map(|table| copy(table)).collect();
        self.runtime.block_on(sqlx::raw_sql(AssertSqlSafe(copies)).execute(&mut self.owner)).map(drop).map_err(told)
    }

    /// Puts the copy in the place of all that the workspace has, and begins a new epoch as an operator does.
    pub(super) fn restore(&mut self) -> Result<EpochId, String> {
        let mut restore: String = TABLES.iter().rev().map(|table| format!("delete from noted.{table};")).collect();
        for table in TABLES {
            let columns = self.columns(table)?;
            restore.push_str(&format!("insert into noted.{table} ({columns}) select {columns} from saved_{table};"));
        }
        restore.push_str(&format!("update noted.workspaces set ({COUNTERS}) = (select {COUNTERS} from saved_workspaces);"));
        self.runtime.block_on(sqlx::raw_sql(AssertSqlSafe(restore)).execute(&mut self.owner)).map_err(told)?;
        let epoch = sqlx::query_scalar("update noted.workspaces set epoch = noted.new_id() returning epoch");
        let epoch: Uuid = self.runtime.block_on(epoch.fetch_one(&mut self.owner)).map_err(told)?;
        Ok(epoch.into())
    }

    /// The columns that can be written.
    fn columns(&mut self, table: &str) -> Result<String, String> {
        let columns = "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
            where attrelid = ('noted.' || $1)::regclass and attnum > 0 and not attisdropped and attgenerated = ''";
        self.runtime.block_on(sqlx::query_scalar(columns).bind(table).fetch_one(&mut self.owner)).map_err(told)
    }
}
