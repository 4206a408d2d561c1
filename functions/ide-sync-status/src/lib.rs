//! `GET /v1/ide-sync/status`: how syncing stands, and how often the caller may still ask.
//!
//! One statement does the work, `api.ide_sync_status`. Outcomes: 200, 401, 403, 429, 503.

use noted_shared::domain::{Scope, Timestamp};
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Statement};
use noted_shared::error::Error;
use noted_shared::wire::SyncStatus;
use serde::Deserialize;

const ROUTE: Route = Route { operation: "ide_sync_status", method: Some("GET"), scopes: &[Scope::NotesRead, Scope::IdeSync] };

const STATUS: Statement = Statement::new("reading the status", "select * from api.ide_sync_status($1, $2)");

/// What the statement counts; the rate is part of every reply.
#[derive(Deserialize)]
struct Counted {
    total_synced_notes: i64,
    last_sync_at: Option<Timestamp>,
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, status).await
}

async fn status(call: &mut Call) -> Result<Reply, Error> {
    let row = call.ask(&STATUS, Vec::new).await?;
    match row.outcome()? {
        Outcome::Status => {
            let Counted { total_synced_notes, last_sync_at } = row.body()?;
            Reply::ok(&SyncStatus {
                total_synced_notes,
                last_sync_at,
                // A key without the scope for it never gets here.
                sync_enabled: true,
                rate_limit_remaining: row.rate.map(|rate| rate.remaining),
                rate_limit_reset_at: row.rate.map(|rate| rate.reset_at),
            })
        }
        _ => Err(row.refusal()),
    }
}
