//! A thread's connections to the database: one as the components have it, one as the owner of the schema.

use std::str::FromStr;

use noted::database;
use noted::local::stack::LocalDatabase;
use noted_shared::domain::EpochId;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::calls::Caller;

/// Tombstones that one call of the collector may take.
const COLLECTED_MAX: i32 = 10_000;

/// What a liar may do: all that its clients may.
pub(crate) const LIARS_SCOPES: [&str; 4] = ["notes:read", "notes:write", "notes:delete", "ide:sync"];

/// Two connections, and what drives them.
#[derive(Debug)]
pub struct Station {
    pub(in crate::histories) runtime: Runtime,
    pub(super) app: PgConnection,
    pub(in crate::histories) owner: PgConnection,
}

impl Station {
    /// Connects.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn connect(database: &LocalDatabase) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (app, owner) = runtime.block_on(async {
            let app = PgConnectOptions::from_str(database.app_url.as_str())?.connect().await?;
            anyhow::Ok((app, database::connect(&database.owner_url).await?))
        })?;
        Ok(Self { runtime, app, owner })
    }

    /// A new workspace with a key, which the owner's connection sees from then on.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn workspace(&mut self) -> Result<(Caller, EpochId), String> {
        self.runtime.block_on(make_workspace(&mut self.owner)).map_err(told)
    }

    /// A key of the same workspace and person that is not a person's.
    pub(super) fn liar(&mut self, caller: &Caller) -> Result<Caller, String> {
        self.runtime.block_on(make_liar(&mut self.owner, caller)).map_err(told)
    }

    /// The owner's connection sees this workspace from now on.
    pub(in crate::histories) fn enter(&mut self, workspace: Uuid) -> Result<(), String> {
        let entered = sqlx::query("select set_config('noted.workspace_id', $1, false)").bind(workspace.to_string());
        self.runtime.block_on(entered.execute(&mut self.owner)).map(drop).map_err(told)
    }

    /// Pretends that thirty days have gone by since the last deletion.
    pub(in crate::histories) fn age_tombstones(&mut self) -> Result<(), String> {
        let aged = "update noted.notes set deleted_at = deleted_at - interval '31 days' where deleted_at is not null";
        self.runtime.block_on(sqlx::query(aged).execute(&mut self.owner)).map(drop).map_err(told)
    }

    /// Collects tombstones, and answers how many it were.
    pub(in crate::histories) fn collect(&mut self, workspace: Uuid) -> Result<i64, String> {
        let collected = sqlx::query_scalar("select sync.collect_tombstones($1, $2)").bind(workspace).bind(COLLECTED_MAX);
        self.runtime.block_on(collected.fetch_one(&mut self.owner)).map_err(told)
    }
}

/// Makes a workspace and a key for it.
pub(crate) async fn make_workspace(owner: &mut PgConnection) -> sqlx::Result<(Caller, EpochId)> {
    let name = Uuid::new_v4();
    let email = format!("{name}@example.com");
    let made = sqlx::query_scalar("select auth.workspace_create('history', $1, 'internal')").bind(&email);
    let workspace: Uuid = made.fetch_one(&mut *owner).await?;
    sqlx::query("select set_config('noted.workspace_id', $1, false)").bind(workspace.to_string()).execute(&mut *owner).await?;
    // Nobody shows this key, so any bytes that nobody else has will do for its hash.
    let key_hash: Vec<u8> = [name.as_bytes().as_slice(), Uuid::new_v4().as_bytes()].concat();
    let key = sqlx::query("select auth.key_create($1, $2, 'ide', null, null, $3, 'last', $4)");
    key.bind(workspace).bind(&email).bind(&key_hash).bind(name.to_string()).execute(&mut *owner).await?;
    let epoch: Uuid = sqlx::query_scalar("select epoch from noted.workspaces where id = $1").bind(workspace).fetch_one(&mut *owner).await?;
    Ok((Caller { key_hash, workspace }, epoch.into()))
}

/// Makes another key for a workspace and its person, of a kind that no person has.
pub(crate) async fn make_liar(owner: &mut PgConnection, caller: &Caller) -> sqlx::Result<Caller> {
    let key_hash: Vec<u8> = [Uuid::new_v4().as_bytes().as_slice(), Uuid::new_v4().as_bytes()].concat();
    let key = "select auth.key_create($1, (select person.email from noted.users as person join noted.workspace_members as member
        on member.user_id = person.id where member.workspace_id = $1), 'integration', $2, null, $3, 'liar', $4)";
    let key = sqlx::query(key).bind(caller.workspace).bind(LIARS_SCOPES).bind(&key_hash).bind(Uuid::new_v4().to_string());
    key.execute(owner).await?;
    Ok(Caller { key_hash, workspace: caller.workspace })
}

pub(super) fn told(error: impl std::fmt::Display) -> String {
    format!("PostgreSQL: {error}")
}
