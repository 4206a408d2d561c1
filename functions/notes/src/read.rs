//! What notes say: `GET /v1/notes` and `GET /v1/notes/{id}`.
//!
//! Both have an entity tag and answer 304 to whoever has what there is. The database gives JSON text, which is passed on unread.

use crate::ID;
use noted_shared::edge::{Call, Outcome, Reply, Statement, note_list, note_tag};
use noted_shared::error::Error;
use noted_shared::input::NoteQuery;
use noted_shared::params;
use serde::Serialize;

const LIST: Statement = Statement::new("listing notes", "select * from api.notes_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");

const READ: Statement = Statement::new("reading a note", "select * from api.notes_read($1, $2, $3, $4)");

/// A page of live notes. Outcomes: 200, 304, 400, 401, 403, 422, 429, 503.
pub(crate) async fn list(call: &mut Call) -> Result<Reply, Error> {
    let query = NoteQuery::parse(call.query()?)?;
    note_list(call, &LIST, &query).await
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
