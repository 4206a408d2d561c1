//! Pools of connections, one per component, DSN and root certificate, as Spin keeps them.
//!
//! At most 64 connections each, kept open for ever, tried before they are handed out again. The batch that cleans them does not roll
//! back: a transaction that a guest left open is handed to the next one, as on Spin, so that what passes here does not fail there.

use super::statements::Statements;
use super::tls::{self, CaRoot};
use anyhow::{Context, Result};
use deadpool::managed::{self, Metrics, Object, RecycleError, RecycleResult};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, Socket};

const CONNECTIONS_PER_POOL: usize = 64;
const POOLS_MAX: usize = 16;

/// What deadpool's `Clean` sends: everything that DISCARD ALL does, except for prepared statements and the transaction.
const CLEAN: &str = "close all; set session authorization default; reset all; unlisten *; \
    select pg_advisory_unlock_all(); discard temp; discard sequences;";

/// What holds for the pools of all components.
#[derive(Clone, Default)]
pub(crate) struct PoolsConfig {
    /// The connections that guests may hold at once, if there is a limit.
    permits: Option<Arc<Semaphore>>,
}

/// The pools of one component.
pub(crate) struct Pools {
    config: PoolsConfig,
    /// The most recently used comes last.
    open: Mutex<Vec<(Key, Pool)>>,
}

#[derive(Clone, PartialEq)]
struct Key {
    dsn: String,
    ca_root: Option<[u8; 32]>,
}

type Pool = managed::Pool<Manager>;

/// A connection on loan from its pool, with the permit that the operator's limit asks for.
pub(crate) struct Loan {
    session: Object<Manager>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// One connection to a server.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) statements: Statements,
    driver: JoinHandle<()>,
}

impl PoolsConfig {
    /// Limits how many connections guests hold at once.
    pub(crate) fn new(connections_max: Option<usize>) -> Self {
        Self { permits: connections_max.map(|max| Arc::new(Semaphore::new(max))) }
    }
}

impl Pools {
    /// No pool yet: each is made when it is first asked for.
    pub(crate) fn new(config: PoolsConfig) -> Self {
        Self { config, open: Mutex::default() }
    }

    /// Takes a connection, waiting for as long as it takes if all are in use.
    pub(crate) async fn get(&self, dsn: &str, ca_root: Option<&CaRoot>) -> Result<Loan> {
        let permit = match &self.config.permits {
            Some(permits) => Some(Arc::clone(permits).acquire_owned().await?),
            None => None,
        };
        let session = self.pool(dsn, ca_root)?.get().await?;
        Ok(Loan { session, _permit: permit })
    }

    fn pool(&self, dsn: &str, ca_root: Option<&CaRoot>) -> Result<Pool> {
        let key = Key { dsn: dsn.to_owned(), ca_root: ca_root.map(|root| root.hash) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let found = open.iter().position(|(known, _)| *known == key);
        let entry = match found {
            Some(place) => open.remove(place),
            None => (key, build(dsn, ca_root).context("establishing PostgreSQL connection pool")?),
        };
        if open.len() >= POOLS_MAX {
            open.remove(0);
        }
        let pool = entry.1.clone();
        open.push(entry);
        Ok(pool)
    }
}

fn build(dsn: &str, ca_root: Option<&CaRoot>) -> Result<Pool> {
    let config: Config = dsn.parse().context("parsing Postgres connection string")?;
    let connect: Box<dyn Connect> = match config.get_ssl_mode() {
        SslMode::Disable => Box::new(With { config, tls: NoTls }),
        _ => Box::new(With { tls: tls::connector(ca_root)?, config }),
    };
    Ok(Pool::builder(Manager { connect }).max_size(CONNECTIONS_PER_POOL).build()?)
}

impl std::ops::Deref for Loan {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// How deadpool makes connections and checks them before they are used again.
struct Manager {
    connect: Box<dyn Connect>,
}

impl managed::Manager for Manager {
    type Type = Session;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Session, Self::Error> {
        self.connect.connect().await
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<Self::Error> {
        if session.client.is_closed() {
            return Err(RecycleError::message("the connection is closed"));
        }
        session.client.simple_query(CLEAN).await?;
        Ok(())
    }
}

type Connecting<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Session, tokio_postgres::Error>> + Send + 'a>>;

/// Hides the connector's type, which differs with and without TLS.
trait Connect: Send + Sync {
    fn connect(&self) -> Connecting<'_>;
}

struct With<T> {
    config: Config,
    tls: T,
}

impl<T> Connect for With<T>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect(&self) -> Connecting<'_> {
        Box::pin(async {
            let (client, connection) = self.config.connect(self.tls.clone()).await?;
            let driver = tokio::spawn(async {
                if let Err(error) = connection.await {
                    tracing::debug!("a PostgreSQL connection ended: {error}");
                }
            });
            Ok(Session { client, statements: Statements::default(), driver })
        })
    }
}
