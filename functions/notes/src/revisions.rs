//! What notes said before: `GET /v1/notes/{id}/revisions`, `/revisions/{version}` and `/diff?from=&to=`.

use crate::ID;
use crate::trash::page;
use noted_shared::domain::merge::unified_diff;
use noted_shared::domain::{Invalid, NoteId, PlaceCursor};
use noted_shared::edge::{Call, Outcome, Reply, Statement};
use noted_shared::error::Error;
use noted_shared::input::{text, within};
use noted_shared::wire::{NoteVersion, RevisionReply, VersionDiff};
use noted_shared::{limits, params};
use serde::{Deserialize, Serialize};

const LIST: Statement = Statement::new("listing revisions", "select * from api.notes_revisions($1, $2, $3, $4, $5, $6, $7)");
const VERSIONS: Statement = Statement::new("reading versions", "select * from api.notes_versions($1, $2, $3, $4)");

/// A page of a note's revisions without their texts. Outcomes: 200, 304, 400, 401, 403, 404, 422, 429, 503.
pub(crate) async fn list(call: &mut Call) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Found {
        current_version: i64,
        has_more: bool,
        last_version: Option<i64>,
    }
    /// [`noted_shared::wire::RevisionList`] without the revisions.
    #[derive(Serialize)]
    struct Rest {
        current_version: i64,
        has_more: bool,
        next_cursor: Option<PlaceCursor>,
    }
    let note_id = call.note_id(ID)?;
    let (cursor, limit) = page(call.query()?)?;
    let known = call.known_tags();
    let before = cursor.map(|cursor| cursor.before);
    let params = || params![note_id, before, limit.cast_signed(), limits::PAGE_BYTES_MAX.cast_signed(), known.as_slice()];
    let row = call.ask(&LIST, params).await?;
    if row.outcome()? == Outcome::NotFound {
        return Err(Error::NoNote(note_id));
    }
    Reply::listed(row, "revisions", |Found { current_version, has_more, last_version }| Rest {
        current_version,
        has_more,
        next_cursor: last_version.filter(|_| has_more).map(|before| PlaceCursor { before }),
    })
}

/// One version with its text. Outcomes: 200, 400, 401, 403, 404, 429, 503.
pub(crate) async fn one(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id(ID)?;
    let number = version(call.segment(ID + 2)).map_err(|wrong| Error::field("version", wrong))?;
    match versions(call, note_id, &[number]).await?.pop() {
        Some(revision) => Reply::ok(&RevisionReply { revision }),
        None => Err(Error::internal("reading versions", "there is none in the reply")),
    }
}

/// The difference between two versions. Outcomes: 200, 400, 401, 403, 404, 429, 503.
pub(crate) async fn diff(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id(ID)?;
    let mut fields = call.query()?;
    let (from, to) = (fields.required("from", text(version)), fields.required("to", text(version)));
    let (Some(from), Some(to)) = (from, to) else { return Err(fields.into_error()) };
    fields.finish()?;
    let versions = versions(call, note_id, &[from, to]).await?;
    let [old, new] = versions.as_slice() else { return Err(Error::internal("reading versions", "there are not two in the reply")) };
    let content = |version: &NoteVersion| version.content.clone().unwrap_or_default();
    let (old_name, new_name) = (format!("version {from}"), format!("version {to}"));
    let diff = unified_diff((&old_name, &content(old)), (&new_name, &content(new)));
    Reply::ok(&VersionDiff { note_id, from, to, diff })
}

async fn versions(call: &mut Call, note_id: NoteId, numbers: &[i64]) -> Result<Vec<NoteVersion>, Error> {
    let row = call.ask(&VERSIONS, || params![note_id, numbers]).await?;
    match row.outcome()? {
        Outcome::Read => row.body(),
        Outcome::NoRevision => Err(Error::NoRevision { note_id, version: row.body()? }),
        _ => Err(row.note_refusal(Some(note_id), None)),
    }
}

pub(crate) fn version(text: &str) -> Result<i64, Invalid> {
    within(text, 1..=i64::MAX, "must be the number of a version, from 1".to_owned())
}
