//! `/v1/embeddings`: how the vectors of a workspace stand, and another try for what was given up.
//!
//! `GET /v1/embeddings`: 200, 401, 403, 429, 503. `POST /v1/embeddings/backfill`: 200, 401, 403, 409 (the workspace lets no text go to a provider),
//! 429, 503.

use noted_shared::domain::Scope;
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Statement};
use noted_shared::error::Error;
use noted_shared::wire::EmbeddingsQueued;
use serde::Serialize;

const STATUS_ROUTE: Route = Route { operation: "embeddings_status", method: Some("GET"), scopes: &[Scope::NotesRead] };
const BACKFILL_ROUTE: Route = Route { operation: "embeddings_backfill", method: Some("POST"), scopes: &[Scope::NotesWrite] };
/// What is asked of no route.
const NONE: Route = Route::of_any_method("embeddings", &[]);

const STATUS: Statement = Statement::new("reading how embeddings stand", "select * from api.embeddings_status($1, $2)");
const BACKFILL: Statement = Statement::new("queueing notes", "select * from api.embeddings_backfill($1, $2)");

/// [`noted_shared::wire::EmbeddingsStatus`] without what the database gives.
#[derive(Serialize)]
struct Rest {
    success: bool,
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    let path = request.uri().path().trim_end_matches('/').to_owned();
    match path.as_str() {
        "/v1/embeddings" => edge::serve(&STATUS_ROUTE, request, status).await,
        "/v1/embeddings/backfill" => edge::serve(&BACKFILL_ROUTE, request, backfill).await,
        _ => edge::refuse(&NONE, request, Error::NoRoute).await,
    }
}

async fn status(call: &mut Call) -> Result<Reply, Error> {
    let mut row = call.ask(&STATUS, Vec::new).await?;
    match row.outcome()? {
        Outcome::Status => Reply::with_bulk("embeddings", &row.bulk(), &Rest { success: true }),
        _ => Err(row.refusal()),
    }
}

async fn backfill(call: &mut Call) -> Result<Reply, Error> {
    let row = call.ask(&BACKFILL, Vec::new).await?;
    match row.outcome()? {
        Outcome::Queued => Reply::ok(&EmbeddingsQueued { queued: row.body()? }),
        Outcome::NoConsent => Err(Error::NoConsent),
        _ => Err(row.refusal()),
    }
}
