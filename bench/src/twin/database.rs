//! The twin's connections: a pool of the size that a host gives a component, and the reply that every function of `api` gives.

use deadpool_postgres::{Config, Pool, PoolConfig, Runtime};
use noted_shared::error::{Error, Fault};
use noted_shared::limits;
use serde::de::DeserializeOwned;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

/// As many as a component's pool has on Spin.
const CONNECTIONS_MAX: usize = 64;
const DOING: &str = "asking the database";

pub(super) struct Database {
    pool: Pool,
    prepares_each_time: bool,
}

/// The columns of `api.reply` that a success has.
pub(super) struct ReplyRow {
    outcome: String,
    body: Option<String>,
    pub(super) bulk: Option<String>,
    pub(super) user_id: Option<String>,
}

impl Database {
    pub(super) fn new(url: &str, prepares_each_time: bool) -> anyhow::Result<Self> {
        let config = Config { url: Some(url.to_owned()), pool: Some(PoolConfig::new(CONNECTIONS_MAX)), ..Config::new() };
        Ok(Self { pool: config.create_pool(Some(Runtime::Tokio1), NoTls)?, prepares_each_time })
    }

    /// Runs a function of `api`.
    pub(super) async fn reply(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<ReplyRow, Error> {
        let row = self.row(sql, params).await?;
        let text = |column| row.try_get::<_, Option<String>>(column).map_err(|wrong| Error::internal(DOING, wrong.to_string()));
        Ok(ReplyRow { outcome: text("outcome")?.unwrap_or_default(), body: text("body")?, bulk: text("bulk")?, user_id: text("user_id")? })
    }

    /// Runs a statement that answers one row, in the time that a component gives it.
    pub(super) async fn row(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row, Error> {
        let answered = tokio::time::timeout(limits::DATABASE_TIMEOUT, self.run(sql, params)).await;
        let failure = match answered {
            Ok(Ok(row)) => return Ok(row),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "no answer in time".to_owned(),
        };
        Err(Error::Unavailable(Fault::new(DOING, failure)))
    }

    async fn run(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> anyhow::Result<Row> {
        let client = self.pool.get().await?;
        let statement = if self.prepares_each_time { client.prepare(sql).await? } else { client.prepare_cached(sql).await? };
        Ok(client.query_one(&statement, params).await?)
    }
}

impl ReplyRow {
    /// The bench asks for nothing that should be refused.
    pub(super) fn expect(&self, outcome: &str) -> Result<(), Error> {
        match self.outcome.as_str() {
            same if same == outcome => Ok(()),
            "unauthorized" => Err(Error::Unauthorized),
            other => Err(Error::internal(DOING, format!("{other} instead of {outcome}"))),
        }
    }

    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(self.body.as_deref().unwrap_or("null")).map_err(|wrong| Error::internal(DOING, wrong.to_string()))
    }
}
