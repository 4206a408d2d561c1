//! What happens when something breaks: no wrong answer, no lost or doubled note, and service again by itself.
//!
//! Whatever breaks the database or the host has a world of its own, and takes turns: two of them at once would starve each other.

mod crash;
mod health;
mod models;
mod neighbours;
mod outage;
mod provider;
mod shutdown;
mod silence;
mod strangers;
mod traps;

use std::time::Duration;

use futures::future::join_all;
use noted_tests::client::{Answer, Client, id_of, send};
use noted_tests::routes::KEYED;
use noted_tests::world::{World, eventually};
use reqwest::RequestBuilder;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Row, Transaction};
use tokio::sync::{Mutex, MutexGuard};

/// What clients are promised: an answer, whatever happened, within this time; and service again this long after the cause is gone.
const PROMISED: Duration = Duration::from_secs(5);

/// A world of the test's own, and its turn to break it.
async fn alone() -> (MutexGuard<'static, ()>, World) {
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    (turn, World::start().await.unwrap_or_else(|error| panic!("the world does not start: {error:#}")))
}

/// The answer, if it comes in the promised time.
async fn promptly(request: RequestBuilder, case: &str) -> Answer {
    let answer = tokio::time::timeout(PROMISED, send(request)).await;
    answer.unwrap_or_else(|_| panic!("{case}: no answer within {} s", PROMISED.as_secs()))
}

/// Asks every route that needs a key, all at once, about a note that is there.
async fn ask_everywhere(client: &Client, note: &Value) -> Vec<(&'static str, Answer)> {
    join_all(KEYED.map(async |route| (route.path, promptly(route.request(client, id_of(note)), route.path).await))).await
}

#[track_caller]
fn assert_unavailable(answer: &Answer, case: &str) {
    let error = answer.error(503);
    assert_eq!(error["code"], "SERVICE_UNAVAILABLE", "{case}: {error}");
    assert_eq!(error["message"], "The service cannot answer right now; try again", "{case}");
    assert_eq!((answer.header("retry-after"), error["details"]["retry_after"].as_i64()), ("2", Some(2)), "{case}: {error}");
}

/// Every route serves again, though nobody restarted the host.
async fn assert_served_again(client: &Client, note: &Value) {
    for route in KEYED {
        let served = async || {
            let answer = tokio::time::timeout(PROMISED, send(route.request(client, id_of(note)))).await.ok()?;
            // What one of these routes deletes, the next no longer finds: that too is an answer of the database.
            (answer.status < 500).then_some(())
        };
        eventually(route.path, PROMISED, served).await;
    }
}

/// What the clock would do: whatever is put off for the worker is due.
async fn let_time_pass(world: &World) {
    let sql = "update search.notes set due_at = now(); update search.providers set open_until = '-infinity'";
    sqlx::raw_sql(sql).execute(&mut world.superuser().await).await.unwrap();
}

/// Calls a function as the worker does; its body and its bulk.
async fn call(worker: &mut PgConnection, sql: &str) -> (Option<String>, Option<String>) {
    let row = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_one(worker).await.unwrap();
    (row.get("body"), row.get("bulk"))
}

/// A transaction that holds the tenant's workspace, so that every change of it waits; and its session.
async fn holding(connection: &mut PgConnection) -> (Transaction<'_, Postgres>, i32) {
    let mut transaction = connection.begin().await.unwrap();
    let session =
        sqlx::query_scalar("select pg_backend_pid() from noted.workspaces for update").fetch_one(&mut *transaction).await.unwrap();
    (transaction, session)
}

/// A request of the tenant waits for what the session holds.
async fn assert_somebody_waits_for(world: &World, session: i32) {
    let waits = "select pid from pg_stat_activity where usename in ('noted_app', 'noted_worker') and $1 = any (pg_blocking_pids(pid))";
    let mut superuser = world.superuser().await;
    let waiting = async || sqlx::query_scalar::<_, i32>(waits).bind(session).fetch_optional(&mut superuser).await.ok()?;
    eventually("a request that waits", PROMISED, waiting).await;
}

/// No session holds a transaction open while it does nothing.
async fn assert_no_transaction_is_left(world: &World) {
    let idle = "select count(*) from pg_stat_activity where state like 'idle in transaction%'";
    let mut superuser = world.superuser().await;
    let none = async || (sqlx::query_scalar::<_, i64>(idle).fetch_one(&mut superuser).await.ok()? == 0).then_some(());
    eventually("the end of every open transaction", PROMISED, none).await;
}
