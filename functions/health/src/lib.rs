//! `GET /health`, `/healthz` and `/v1/health`: whether the service is well. Asks for no key and tells nothing about what is inside.
//!
//! Three checks run side by side, each on its own connection and with its own limit. Their result is kept for ten seconds, so that
//! nobody can use this route to keep the database busy.
//! Outcomes: 200 (healthy or degraded), 503 (down).

use noted_shared::domain::Timestamp;
use noted_shared::edge::{self, Call, Reply, Request, Response, Route, Statement, db};
use noted_shared::error::{Error, Fault};
use noted_shared::wire::{Check, Checks, Health, State};
use noted_shared::{limits, params};
use serde::{Deserialize, Serialize};
use spin_sdk::key_value::Store;
use std::time::{Duration, SystemTime};

const ROUTE: Route = Route { operation: "health", method: Some("GET"), scopes: &[] };

const CHECK: Statement = Statement::new("checking health", "select api.health($1)");

/// Where the last result is kept.
const KEY: &str = "health";

/// So long may nobody have asked, and the service still counts as the same that answered then: what polls it does so every minute.
const SILENCE_MAX: Duration = Duration::from_secs(600);

/// The last result.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Kept {
    checked_at: Timestamp,
    checks: Checks,
    /// Since when every check was answered, and none found the service down.
    up_since: Timestamp,
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, health).await
}

async fn health(call: &mut Call) -> Result<Reply, Error> {
    call.query()?.finish()?;
    let now = Timestamp::from_system(SystemTime::now()).ok_or_else(|| Error::internal("checking health", "the clock is out of range"))?;
    let last = kept().await;
    let result = match last.filter(|last| age(last.checked_at, now) < limits::HEALTH_CACHE) {
        Some(last) => last,
        None => keep(last, check_all().await, now).await,
    };
    let checks = result.checks;
    let status = state(checks);
    let uptime_seconds = if status == State::Down { 0 } else { age(result.up_since, now).as_secs() };
    let health = Health { status, checks, version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(), uptime_seconds };
    match status {
        State::Healthy | State::Degraded => Reply::ok(&health),
        // The data says what is down, the error says it in the way that clients switch on.
        State::Down => Ok(Reply::with_status(503, &health)?.with_problem(&Error::Unavailable(Fault::new("checking health", "down")))),
    }
}

/// Without the database nothing works; without the rest, notes are still kept and synced.
fn state(checks: Checks) -> State {
    match checks {
        Checks { database: Check::Ok, rag: Check::Ok, storage: Check::Ok } => State::Healthy,
        Checks { database: Check::Ok, .. } => State::Degraded,
        _ => State::Down,
    }
}

async fn check_all() -> Checks {
    let (database, rag, storage) =
        futures::join!(check("database", Check::Error), check("rag", Check::Degraded), check("storage", Check::Error));
    Checks { database, rag, storage }
}

async fn check(part: &str, otherwise: Check) -> Check {
    match db::probe(&CHECK, params![part]).await {
        Ok(answer) if answer == "ok" => Check::Ok,
        _ => otherwise,
    }
}

/// The last result. A store that fails is no reason to be ill: then the checks run each time.
async fn kept() -> Option<Kept> {
    let bytes = Store::open_default().await.ok()?.get(KEY).await.ok()??;
    serde_json::from_slice(&bytes).ok()
}

async fn keep(last: Option<Kept>, checks: Checks, now: Timestamp) -> Kept {
    let goes_on =
        |last: &Kept| age(last.checked_at, now) < SILENCE_MAX && state(last.checks) != State::Down && state(checks) != State::Down;
    let result = Kept { checked_at: now, checks, up_since: last.filter(goes_on).map_or(now, |last| last.up_since) };
    if let (Ok(store), Ok(bytes)) = (Store::open_default().await, serde_json::to_vec(&result)) {
        // As above: the result is right whether or not it is kept.
        let _ = store.set(KEY, &bytes).await;
    }
    result
}

/// How long ago that was; for ever, if it is still to come: then somebody has set a clock.
fn age(at: Timestamp, now: Timestamp) -> Duration {
    u64::try_from(now.micros() - at.micros()).map_or(Duration::MAX, Duration::from_micros)
}
