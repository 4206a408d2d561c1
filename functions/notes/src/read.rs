//! What notes say: `GET /v1/notes` and `GET /v1/notes/{id}`.
//!
//! Both have an entity tag and answer 304 to whoever has what there is. The database gives JSON text, which is passed on unread.

use crate::ID;
use noted_shared::domain::{Cursor, NoteId};
use noted_shared::edge::{Call, Outcome, Reply, Statement, note_tag};
use noted_shared::error::Error;
use noted_shared::input::NoteQuery;
use noted_shared::{limits, params};
use serde::{Deserialize, Serialize};

const LIST: Statement = Statement::new(
    "listing notes",
    "select * from api.notes_list($1, $2, $3, $4, $5, $6::text::timestamptz, $7::text::timestamptz, $8, $9, $10, $11, $12, $13)",
);

const READ: Statement = Statement::new("reading a note", "select * from api.notes_read($1, $2, $3, $4)");

/// What the statement says about the page besides its notes.
#[derive(Deserialize)]
struct Found {
    total: i64,
    has_more: bool,
    last_id: Option<NoteId>,
    tag: String,
}

/// [`noted_shared::wire::NoteList`] without the notes.
#[derive(Serialize)]
struct Rest {
    total: i64,
    has_more: bool,
    next_cursor: Option<Cursor>,
}

/// A page of live notes. Outcomes: 200, 304, 400, 401, 403, 429, 503.
pub(crate) async fn list(call: &mut Call) -> Result<Reply, Error> {
    let query = NoteQuery::parse(call.query()?)?;
    let asked = call.raw_query().unwrap_or_default().to_owned();
    let known = call.known_tags();

    let params = || {
        params![
            query.folder_id,
            query.note_type,
            query.path_prefix.as_deref(),
            query.updated_since,
            query.updated_before,
            query.cursor.map(|cursor| cursor.after),
            query.limit.cast_signed(),
            limits::PAGE_BYTES_MAX.cast_signed(),
            query.fields.as_slice(),
            asked.as_str(),
            known.as_slice(),
        ]
    };
    let mut row = call.ask(&LIST, params).await?;
    match row.outcome()? {
        Outcome::Listed => {
            let Found { total, has_more, last_id, tag } = row.body()?;
            let next_cursor = last_id.filter(|_| has_more).map(|after| Cursor { after });
            Ok(Reply::with_bulk("notes", &row.bulk(), &Rest { total, has_more, next_cursor })?.with_tag(&tag))
        }
        Outcome::NotModified => Ok(Reply::not_modified(&row.body::<String>()?)),
        _ => Err(row.refusal()),
    }
}

/// One note with its text. Outcomes: 200, 304, 400, 401, 403, 404, 410, 429, 503.
pub(crate) async fn note(call: &mut Call) -> Result<Reply, Error> {
    /// [`noted_shared::wire::NoteReply`] without the note.
    #[derive(Serialize)]
    struct Rest {
        success: bool,
    }
    let note_id = call.note_id(ID)?;
    let known = call.known_states(note_id);
    let mut row = call.ask(&READ, || params![note_id, known.as_slice()]).await?;
    match row.outcome()? {
        Outcome::Read => {
            let state: String = row.body()?;
            Ok(Reply::with_bulk("note", &row.bulk(), &Rest { success: true })?.with_tag(&note_tag(note_id, state)))
        }
        Outcome::NotModified => Ok(Reply::not_modified(&note_tag(note_id, row.body::<String>()?))),
        _ => Err(row.note_refusal(Some(note_id), None)),
    }
}
