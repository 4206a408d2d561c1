//! One statement, its one row, and the connection it runs on.
//!
//! A function of `api` is one transaction, so no component ever sends `BEGIN`. A connection that ended a statement well is kept for the
//! next request of the instance, but never many; after any error it is dropped. Whatever happens, the answer comes within
//! [`limits::DATABASE_TIMEOUT`]: a pool without room or a dead server would otherwise be waited for without end.

mod fault;
mod row;

pub use row::{Outcome, Rate, Row};

use super::settings::settings;
use crate::error::{Error, Fault};
use crate::limits;
use fault::Failure;
use futures::future::{Either, select};
use spin_sdk::pg::{Connection, DbValue, ParameterValue};
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::thread::LocalKey;
use std::time::{Duration, Instant};

/// The one statement of a component.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    doing: &'static str,
    sql: &'static str,
}

impl Statement {
    /// A statement, and what it does in words for the log.
    pub const fn new(doing: &'static str, sql: &'static str) -> Self {
        Self { doing, sql }
    }
}

struct Idle {
    connection: Connection,
    since: Instant,
}

thread_local! {
    static IDLE: RefCell<Vec<Idle>> = const { RefCell::new(Vec::new()) };
    /// Requests of this instance that run a statement or wait for a connection to run it on.
    static ASKING: Cell<usize> = const { Cell::new(0) };
    /// Those of them that wait for a connection of the pool.
    static WAITING: Cell<usize> = const { Cell::new(0) };
}

/// One request in a count, for as long as it lives: a future that ran out of time is dropped where it stands.
struct Counted(&'static LocalKey<Cell<usize>>);

impl Counted {
    fn among(count: &'static LocalKey<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// Runs a function of `api` and reads its reply. The parameters are made anew for each try, because Spin takes them away and they can
/// be large; by a trait object, because all this would be compiled anew for each closure.
pub async fn one(statement: &Statement, params: &dyn Fn() -> Vec<ParameterValue>) -> Result<Row, Error> {
    let values = within(limits::DATABASE_TIMEOUT, statement.doing, first_row(statement, params)).await?;
    Row::read(values).ok_or_else(|| Error::internal(statement.doing, "the reply has another shape"))
}

/// Asks for one text on a fresh connection, so that what is checked is what the next new instance will meet. Connecting has its own
/// limit: a handshake over a network takes longer than a healthy answer may.
pub async fn probe(statement: &Statement, params: Vec<ParameterValue>) -> Result<String, Error> {
    let connection = within(limits::HEALTH_CONNECT_TIMEOUT, statement.doing, open(statement.doing)).await?;
    let answer = async { run(connection, statement, params).await.map_err(|failure| failure.into_error(statement.doing)) };
    match within(limits::HEALTH_CHECK_TIMEOUT, statement.doing, answer).await?.pop() {
        Some(DbValue::Str(text)) => Ok(text),
        _ => Err(Error::internal(statement.doing, "the reply is not a text")),
    }
}

/// Gives some work its time.
async fn within<T>(limit: Duration, doing: &'static str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match select(pin!(work), pin!(spin_sdk::time::sleep(limit))).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(Error::Unavailable(Fault::new(doing, format!("no answer within {} ms", limit.as_millis())))),
    }
}

/// Runs the statement, and once more on a fresh connection if a kept one turns out to be dead.
///
/// Nobody can tell whether the server had run a statement when its connection broke. Running it again is safe: a change is named by its
/// idempotency key, and everything else here only reads or may be done twice.
async fn first_row(statement: &Statement, params: &dyn Fn() -> Vec<ParameterValue>) -> Result<Vec<DbValue>, Error> {
    let doing = statement.doing;
    let _asking = Counted::among(&ASKING);
    if let Some(kept) = kept() {
        match run(kept, statement, params()).await {
            // The others are as old as this one.
            Err(Failure::Broken(_)) => drop(IDLE.take()),
            result => return result.map_err(|failure| failure.into_error(doing)),
        }
    }
    run(open(doing).await?, statement, params()).await.map_err(|failure| failure.into_error(doing))
}

async fn run(connection: Connection, statement: &Statement, params: Vec<ParameterValue>) -> Result<Vec<DbValue>, Failure> {
    let mut answer = connection.query(statement.sql, params).await?;
    let mut first = None;
    // Every row is read, though one is expected: a half-read answer would belong to whoever gets the connection next.
    while let Some(row) = answer.rows().next().await {
        first.get_or_insert(row);
    }
    // Errors that come late come only here.
    answer.result().await?;
    put_back(connection);
    first.ok_or(Failure::NoRow)
}

/// A kept connection that is young enough.
fn kept() -> Option<Connection> {
    while let Some(idle) = IDLE.with_borrow_mut(Vec::pop) {
        if idle.since.elapsed() < limits::IDLE_CONNECTION_AGE_MAX {
            return Some(idle.connection);
        }
    }
    None
}

async fn open(doing: &'static str) -> Result<Connection, Error> {
    let settings = settings().await?;
    let _waiting = Counted::among(&WAITING);
    Connection::open(settings.database_url.as_str()).await.map_err(|wrong| Failure::from(wrong).into_error(doing))
}

/// Keeps a connection for the next request of this instance, unless another one needs it more.
///
/// A kept connection still counts in the pool that all instances of the component share. An instance that kept its connections while its
/// own requests waited for that pool would wait for itself; and after a burst, what few instances kept would be missing everywhere.
fn put_back(connection: Connection) {
    let others = ASKING.get().saturating_sub(1);
    let wanted = if WAITING.get() > 0 { 0 } else { others.clamp(1, limits::IDLE_CONNECTIONS_MAX) };
    IDLE.with_borrow_mut(|idle| {
        idle.push(Idle { connection, since: Instant::now() });
        idle.drain(..idle.len().saturating_sub(wanted));
    });
}
