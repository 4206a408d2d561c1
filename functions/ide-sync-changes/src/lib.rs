//! `GET /v1/ide-sync/changes`: what changed in a workspace after a place in the order of its changes.
//!
//! One statement does the work, `api.ide_sync_changes`. It gives the changes as JSON text, which is passed on unread: a page can hold
//! megabytes. Outcomes: 200, 400 (also for a cursor of another workspace), 401, 403, 410 (only a full resync helps), 429, 503.

use noted_shared::domain::{ChangeCursor, EpochId, Invalid, Scope, WorkspaceId};
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Statement};
use noted_shared::error::Error;
use noted_shared::input::Changes;
use noted_shared::{limits, params};
use serde::{Deserialize, Serialize};

const ROUTE: Route = Route { operation: "ide_sync_changes", method: Some("GET"), scopes: &[Scope::NotesRead, Scope::IdeSync] };

const CHANGES: Statement =
    Statement::new("reading the changes", "select * from api.ide_sync_changes($1, $2, $3, $4, $5, $6, $7::text::timestamptz, $8, $9, $10)");

/// What the statement says about the page besides its changes.
#[derive(Deserialize)]
struct Found {
    workspace_id: WorkspaceId,
    epoch: EpochId,
    seq: i64,
    floor: i64,
    has_more: bool,
}

/// [`noted_shared::wire::ChangeList`] without the changes.
#[derive(Serialize)]
struct Rest {
    next_cursor: ChangeCursor,
    has_more: bool,
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, changes).await
}

async fn changes(call: &mut Call) -> Result<Reply, Error> {
    let asked = Changes::parse(call.query()?)?;

    let params = || {
        params![
            asked.cursor.map(|cursor| cursor.workspace),
            asked.cursor.map(|cursor| cursor.epoch),
            asked.cursor.map(|cursor| cursor.seq),
            asked.cursor.map(|cursor| cursor.floor),
            asked.since.map(|since| since.earlier_by(limits::SINCE_OVERLAP)),
            asked.limit.cast_signed(),
            limits::PAGE_BYTES_MAX.cast_signed(),
            asked.include_content,
        ]
    };
    let mut row = call.ask(&CHANGES, params).await?;
    match row.outcome()? {
        Outcome::Changed => {
            let Found { workspace_id: workspace, epoch, seq, floor, has_more } = row.body()?;
            let next_cursor = ChangeCursor { workspace, epoch, seq, floor };
            Reply::with_bulk("changes", &row.bulk(), &Rest { next_cursor, has_more })
        }
        Outcome::ForeignCursor => Err(Error::field("cursor", Invalid::malformed("was given out for another workspace"))),
        Outcome::FullResync => Err(Error::FullResync(row.body()?)),
        _ => Err(row.refusal()),
    }
}
