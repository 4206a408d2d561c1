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
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

const ROUTE: Route = Route { operation: "health", method: Some("GET"), scopes: &[] };

const CHECK: Statement = Statement::new("checking health", "select api.health($1)");

/// Where the last result is kept.
const KEY: &str = "health";

#[derive(Serialize, Deserialize)]
struct Kept {
    checked_at: Timestamp,
    checks: Checks,
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, health).await
}

async fn health(call: &mut Call) -> Result<Reply, Error> {
    call.query()?.finish()?;
    let checks = match kept().await {
        Some(checks) => checks,
        None => keep(check_all().await).await,
    };
    let status = state(checks);
    let health = Health { status, checks, version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(), uptime_seconds: uptime() };
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

/// The last result, if it is young enough. A store that fails is no reason to be ill: then the checks run each time.
async fn kept() -> Option<Checks> {
    let bytes = Store::open_default().await.ok()?.get(KEY).await.ok()??;
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    let age_us = now()?.micros() - kept.checked_at.micros();
    (0..limits::HEALTH_CACHE.as_micros()).contains(&u128::try_from(age_us).ok()?).then_some(kept.checks)
}

async fn keep(checks: Checks) -> Checks {
    if let (Some(checked_at), Ok(store)) = (now(), Store::open_default().await)
        && let Ok(bytes) = serde_json::to_vec(&Kept { checked_at, checks })
    {
        // As above: the result is right whether or not it is kept.
        let _ = store.set(KEY, &bytes).await;
    }
    checks
}

fn now() -> Option<Timestamp> {
    Timestamp::from_system(SystemTime::now())
}

/// How long this instance has run: all that a component can know. Instances come and go with the load.
fn uptime() -> u64 {
    static STARTED: OnceLock<Instant> = OnceLock::new();
    STARTED.get_or_init(Instant::now).elapsed().as_secs()
}
