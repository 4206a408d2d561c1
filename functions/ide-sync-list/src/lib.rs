//! `GET /v1/ide-sync/list`: a page of live notes.
//!
//! One statement does the work, `api.ide_sync_list`. It gives the notes as JSON text, which is passed on unread: a page can hold
//! megabytes. Outcomes: 200, 400, 401, 403, 429, 503.

use noted_shared::domain::{Cursor, NoteId, Scope};
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Statement};
use noted_shared::error::Error;
use noted_shared::input::Page;
use noted_shared::{limits, params};
use serde::{Deserialize, Serialize};

const ROUTE: Route = Route { operation: "ide_sync_list", method: Some("GET"), scopes: &[Scope::NotesRead, Scope::IdeSync] };

const LIST: Statement =
    Statement::new("listing notes", "select * from api.ide_sync_list($1, $2, $3, $4::text::timestamptz, $5, $6, $7, $8, $9)");

/// What the statement says about the page besides its notes.
#[derive(Deserialize)]
struct Found {
    total: i64,
    has_more: bool,
    last_id: Option<NoteId>,
}

/// [`noted_shared::wire::NoteList`] without the notes.
#[derive(Serialize)]
struct Rest {
    total: i64,
    has_more: bool,
    next_cursor: Option<Cursor>,
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, list).await
}

async fn list(call: &mut Call) -> Result<Reply, Error> {
    let page = Page::parse(call.query()?)?;

    let params = || {
        params![
            page.folder_id,
            page.modified_since,
            page.cursor.map(|cursor| cursor.after),
            page.offset.cast_signed(),
            page.limit.cast_signed(),
            limits::PAGE_BYTES_MAX.cast_signed(),
            page.include_content,
        ]
    };
    let mut row = call.ask(&LIST, params).await?;
    match row.outcome()? {
        Outcome::Listed => {
            let Found { total, has_more, last_id } = row.body()?;
            let next_cursor = last_id.filter(|_| has_more).map(|after| Cursor { after });
            Reply::with_bulk("notes", &row.bulk(), &Rest { total, has_more, next_cursor })
        }
        _ => Err(row.refusal()),
    }
}
