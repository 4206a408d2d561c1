//! `GET /v1/ide-sync/list`: a page of live notes.
//!
//! One statement does the work, `api.ide_sync_list`. It gives the notes as JSON text, which is passed on unread: a page can hold
//! megabytes. Outcomes: 200, 304, 400, 401, 403, 422, 429, 503.

use noted_shared::domain::Scope;
use noted_shared::edge::{self, Call, Reply, Request, Response, Route, Statement, note_list};
use noted_shared::error::Error;
use noted_shared::input::NoteQuery;

const ROUTE: Route = Route { operation: "ide_sync_list", method: Some("GET"), scopes: &[Scope::NotesRead, Scope::IdeSync] };

const LIST: Statement = Statement::new("listing notes", "select * from api.ide_sync_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, list).await
}

async fn list(call: &mut Call) -> Result<Reply, Error> {
    let query = NoteQuery::parse_of_editors(call.query()?)?;
    note_list(call, &LIST, &query).await
}
