//! Lists: what a page is asked with, and how it is answered or known already.

use super::{Call, Outcome, Reply, Row, Statement};
use crate::domain::{Cursor, NoteId};
use crate::error::Error;
use crate::input::NoteQuery;
use crate::{limits, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

impl Reply {
    /// The answer to a statement that lists: `field` holds what was found, with what `rest` makes of the statement's body beside it; or 304, where the
    /// client has it already.
    pub fn listed<F: DeserializeOwned, R: Serialize>(mut row: Row, field: &'static str, rest: impl FnOnce(F) -> R) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Tagged {
            tag: String,
        }
        match row.outcome()? {
            Outcome::Listed => {
                let (Tagged { tag }, found) = (row.body()?, row.body()?);
                Ok(Self::with_bulk(field, &row.bulk(), &rest(found))?.with_tag(&tag))
            }
            Outcome::NotModified => Ok(Self::not_modified(&row.body::<String>()?)),
            _ => Err(row.refusal()),
        }
    }
}

/// Asks for a page of notes by one of the two statements that list them, which take the same. Outcomes: 200, 304, 401, 403, 429, 503.
pub async fn note_list(call: &mut Call, statement: &Statement, query: &NoteQuery) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Found {
        total: i64,
        has_more: bool,
        last_id: Option<NoteId>,
    }
    /// [`crate::wire::NoteList`] without the notes.
    #[derive(Serialize)]
    struct Rest {
        total: i64,
        has_more: bool,
        next_cursor: Option<Cursor>,
    }
    let asked = call.raw_query().unwrap_or_default().to_owned();
    let known = call.known_tags();
    let params = || {
        params![
            query.filters.as_json(),
            query.cursor.map(|cursor| cursor.after),
            query.offset.cast_signed(),
            query.limit.cast_signed(),
            limits::PAGE_BYTES_MAX.cast_signed(),
            query.with_content,
            query.fields.as_deref(),
            asked.as_str(),
            known.as_slice(),
        ]
    };
    let row = call.ask(statement, params).await?;
    Reply::listed(row, "notes", |Found { total, has_more, last_id }| Rest {
        total,
        has_more,
        next_cursor: last_id.filter(|_| has_more).map(|after| Cursor { after }),
    })
}
