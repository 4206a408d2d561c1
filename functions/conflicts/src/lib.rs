//! `/v1/conflicts`: the log of what stood against what, and how it is settled.
//!
//! `GET /v1/conflicts` lists, `GET /v1/conflicts/{id}` gives both texts, `POST .../resolve` settles by one of five strategies, and
//! `POST .../restore` gives the note one side's text again, long after the conflict was settled.

mod resolve;

use noted_shared::domain::{ConflictId, Cursor, Invalid, NoteId, Scope};
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Statement};
use noted_shared::error::Error;
use noted_shared::input::{number, text};
use noted_shared::{limits, params};
use serde::{Deserialize, Serialize};

const LIST: Route = Route::of_any_method("conflicts_list", &[Scope::NotesRead]);
const READ: Route = Route::of_any_method("conflicts_read", &[Scope::NotesRead]);
const RESOLVE: Route = Route::of_any_method("conflicts_resolve", &[Scope::NotesWrite]);
const RESTORE: Route = Route::of_any_method("conflicts_restore", &[Scope::NotesWrite]);
/// What is asked of no route.
const NONE: Route = Route::of_any_method("conflicts", &[]);

const LISTING: Statement = Statement::new("listing conflicts", "select * from api.conflicts_list($1, $2, $3, $4, $5, $6, $7, $8)");
const READING: Statement = Statement::new("reading a conflict", "select * from api.conflicts_read($1, $2, $3)");

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    let method = edge::routed_method(&request);
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').skip(3).collect();
    match (segments.as_slice(), method.as_str()) {
        ([], "GET") => edge::serve(&LIST, request, list).await,
        ([_], "GET") => edge::serve(&READ, request, read).await,
        ([] | [_], _) => edge::refuse(&NONE, request, Error::Method { allow: "GET" }).await,
        ([_, "resolve"], "POST") => edge::serve(&RESOLVE, request, resolve::resolve).await,
        ([_, "restore"], "POST") => edge::serve(&RESTORE, request, resolve::restore).await,
        ([_, "resolve" | "restore"], _) => edge::refuse(&NONE, request, Error::Method { allow: "POST" }).await,
        _ => edge::refuse(&NONE, request, Error::NoRoute).await,
    }
}

/// The conflict that the path names: `/v1/conflicts/{id}`.
fn conflict_id(call: &Call) -> Result<ConflictId, Error> {
    ConflictId::parse(call.segment(2)).map_err(|wrong| Error::field("id", wrong))
}

/// A page of conflicts. Outcomes: 200, 304, 400, 401, 403, 429, 503.
async fn list(call: &mut Call) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Found {
        has_more: bool,
        last_id: Option<NoteId>,
    }
    /// [`noted_shared::wire::ConflictList`] without the conflicts.
    #[derive(Serialize)]
    struct Rest {
        has_more: bool,
        next_cursor: Option<Cursor>,
    }
    let mut fields = call.query()?;
    let note_id = fields.optional("note_id", text(NoteId::parse));
    let is_open = fields.optional("status", text(status)).unwrap_or(Some(true));
    let after = fields.optional("cursor", text(Cursor::parse)).map(|cursor| cursor.after);
    let limit = fields.optional("limit", text(|value| number(value, 1, limits::PAGE_NOTES_MAX))).unwrap_or(limits::PAGE_NOTES_DEFAULT);
    fields.finish()?;

    let known = call.known_tags();
    let bytes_max = limits::PAGE_BYTES_MAX.cast_signed();
    let params = || params![note_id, is_open, after, limit.cast_signed(), bytes_max, known.as_slice()];
    let row = call.ask(&LISTING, params).await?;
    Reply::listed(row, "conflicts", |Found { has_more, last_id }| Rest {
        has_more,
        next_cursor: last_id.filter(|_| has_more).map(|after| Cursor { after }),
    })
}

fn status(text: &str) -> Result<Option<bool>, Invalid> {
    match text {
        "open" => Ok(Some(true)),
        "resolved" => Ok(Some(false)),
        "all" => Ok(None),
        _ => Err(Invalid::refused("must be open, resolved or all")),
    }
}

/// One conflict with its texts. Outcomes: 200, 400, 401, 403, 404, 429, 503.
async fn read(call: &mut Call) -> Result<Reply, Error> {
    #[derive(Serialize)]
    struct Rest {
        success: bool,
    }
    let conflict_id = conflict_id(call)?;
    let mut row = call.ask(&READING, || params![conflict_id]).await?;
    match row.outcome()? {
        Outcome::Read => Reply::with_bulk("conflict", &row.bulk(), &Rest { success: true }),
        Outcome::NoConflict => Err(Error::NoConflict(conflict_id)),
        _ => Err(row.refusal()),
    }
}
