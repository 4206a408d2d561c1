//! `/v1/me` and `/v1/workspace/settings`: who a key is, and what its workspace has set.
//!
//! Any key may ask both, so no scope is named. Only who manages the workspace may change it, which the database decides: it alone knows whose key it is.

use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Statement};
use noted_shared::error::Error;
use noted_shared::params;
use noted_shared::wire::{Me, RateLeft, SettingsChange, WorkspaceSettings};

const ME: Route = Route::of_any_method("account_me", &[]);
const SETTINGS: Route = Route::of_any_method("account_settings", &[]);
const CHANGE: Route = Route::of_any_method("account_change", &[]);
/// What is asked of no route.
const NONE: Route = Route::of_any_method("account", &[]);

const READ_ME: Statement = Statement::new("reading who asks", "select * from api.account_me($1, $2)");
const READ_SETTINGS: Statement = Statement::new("reading settings", "select * from api.account_settings($1, $2)");
const CHANGE_SETTINGS: Statement = Statement::new("changing settings", "select * from api.account_change($1, $2, $3, $4, $5, $6)");

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    let method = edge::routed_method(&request);
    let path = request.uri().path().trim_end_matches('/').to_owned();
    match (path.as_str(), method.as_str()) {
        ("/v1/me", "GET") => edge::serve(&ME, request, me).await,
        ("/v1/me", _) => edge::refuse(&NONE, request, Error::Method { allow: "GET" }).await,
        ("/v1/workspace/settings", "GET") => edge::serve(&SETTINGS, request, settings).await,
        ("/v1/workspace/settings", "PATCH") => edge::serve(&CHANGE, request, change).await,
        ("/v1/workspace/settings", _) => edge::refuse(&NONE, request, Error::Method { allow: "GET, PATCH" }).await,
        _ => edge::refuse(&NONE, request, Error::NoRoute).await,
    }
}

/// Outcomes: 200, 401, 403 (another workspace is named), 429, 503.
async fn me(call: &mut Call) -> Result<Reply, Error> {
    call.must_have_key().await?;
    let row = call.ask(&READ_ME, Vec::new).await?;
    match row.outcome()? {
        Outcome::Read => {
            let rate = row.rate.map(|rate| RateLeft { limit: rate.limit, remaining: rate.remaining, reset_at: rate.reset_at });
            Reply::ok(&Me { rate, ..row.body()? })
        }
        _ => Err(row.refusal()),
    }
}

/// Outcomes: as [`me`].
async fn settings(call: &mut Call) -> Result<Reply, Error> {
    call.must_have_key().await?;
    let row = call.ask(&READ_SETTINGS, Vec::new).await?;
    match row.outcome()? {
        Outcome::Read => Reply::ok(&row.body::<WorkspaceSettings>()?),
        _ => Err(row.refusal()),
    }
}

/// Outcomes: 200, 400, 401, 403 (also where the caller does not manage the workspace), 415, 422, 429, 503.
async fn change(call: &mut Call) -> Result<Reply, Error> {
    call.must_have_key().await?;
    let change = SettingsChange::parse(call.fields().await?)?;
    let params = || {
        let words = change.agent_refused_words.as_deref();
        params![change.ai_processing, change.agent_note_bytes_max, words, change.conflict_retention_days]
    };
    let row = call.ask(&CHANGE_SETTINGS, params).await?;
    match row.outcome()? {
        Outcome::Read => Reply::ok(&row.body::<WorkspaceSettings>()?),
        _ => Err(row.refusal()),
    }
}
