//! What was deleted and can still be brought back: `GET /v1/trash` and `POST /v1/trash/restore`.

use noted_shared::domain::{NoteId, PlaceCursor};
use noted_shared::edge::{Call, Outcome, Reply, Row, Statement};
use noted_shared::error::Error;
use noted_shared::input::{Fields, number, text};
use noted_shared::wire::{BatchReply, BatchResult, BatchSummary, TrashRestore};
use noted_shared::{limits, params};
use serde::{Deserialize, Serialize};

const LIST: Statement = Statement::new("listing deleted notes", "select * from api.notes_trash($1, $2, $3, $4, $5, $6)");
const RESTORE: Statement = Statement::new("restoring notes", "select * from api.notes_restore($1, $2, $3, $4::text[]::uuid[])");

/// A page of deleted notes. Outcomes: 200, 304, 400, 401, 403, 422, 429, 503.
pub(crate) async fn list(call: &mut Call) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Found {
        has_more: bool,
        last_place: Option<i64>,
    }
    /// [`noted_shared::wire::TrashList`] without the notes.
    #[derive(Serialize)]
    struct Rest {
        has_more: bool,
        next_cursor: Option<PlaceCursor>,
    }
    let (cursor, limit) = page(call.query()?)?;
    let known = call.known_tags();
    let before = cursor.map(|cursor| cursor.before);
    let params = || params![before, limit.cast_signed(), limits::PAGE_BYTES_MAX.cast_signed(), known.as_slice()];
    let row = call.ask(&LIST, params).await?;
    Reply::listed(row, "notes", |Found { has_more, last_place }| Rest {
        has_more,
        next_cursor: last_place.filter(|_| has_more).map(|before| PlaceCursor { before }),
    })
}

/// The part of a numbered list that a query asks for.
pub(crate) fn page(mut fields: Fields) -> Result<(Option<PlaceCursor>, u32), Error> {
    let cursor = fields.optional("cursor", text(PlaceCursor::parse));
    let limit = fields.optional("limit", text(|value| number(value, 1, limits::PAGE_NOTES_MAX))).unwrap_or(limits::PAGE_NOTES_DEFAULT);
    fields.finish().map(|()| (cursor, limit))
}

/// Brings notes back, each on its own terms. Outcomes: 200, 400, 401, 403, 415, 422, 429, 503.
pub(crate) async fn restore(call: &mut Call) -> Result<Reply, Error> {
    let mut fields = call.fields().await?;
    call.add_headers(&mut fields);
    let restore = TrashRestore::parse(fields)?;
    if let Some(origin) = &restore.sync_origin_id {
        call.is_from(origin);
    }
    let ids: Vec<String> = restore.note_ids.iter().map(ToString::to_string).collect();
    let row = call.ask(&RESTORE, || params![restore.sync_origin_id.as_ref(), ids.as_slice()]).await?;
    match row.outcome()? {
        Outcome::Batched => answer(&restore.note_ids, row.rows()?),
        _ => Err(row.refusal()),
    }
}

fn answer(note_ids: &[NoteId], rows: Vec<Row>) -> Result<Reply, Error> {
    let mut results = Vec::with_capacity(note_ids.len());
    for ((idx, note_id), row) in note_ids.iter().enumerate().zip(rows) {
        results.push(match row.outcome()? {
            Outcome::Updated => BatchResult::done(idx, "restored", row.body()?),
            Outcome::Unchanged => BatchResult::done(idx, "unchanged", row.body()?),
            _ => match row.note_refusal(Some(*note_id), None) {
                Error::Internal(fault) => return Err(Error::Internal(fault)),
                refused => BatchResult::refused(idx, &refused, true),
            },
        });
    }
    let (total, failed) = (results.len(), results.iter().filter(|result| !result.success).count());
    Reply::ok(&BatchReply { results, summary: BatchSummary { total, succeeded: total - failed, failed } })
}
