//! The engine's requests as calls of `api`, and its rows as the engine's answers.

use noted_client::engine::{Answer, FileFacts, Page, PageRequest, Pending, Remote, Request, Written};
use noted_shared::domain::{Analysis, ChangeCursor, ContentHash, EpochId, OriginId, WorkspaceId};
use noted_shared::wire::{Change, ConflictFound, Gone, NoteOut, NotedVersion, PathTaken, ResyncReason};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use uuid::Uuid;

use super::station::{Station, told};
use crate::model::PAGE_NOTES;

const CREATE: &str = "select outcome, body from api.ide_sync_create(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::timestamptz, null, 'ide_synced', '{}', '{}', $11::text::jsonb)";
const UPDATE: &str = "select outcome, body from api.ide_sync_update(
    $1, $2, $3, $4, $5, $6, $7::text::jsonb, null, null, $8, $9, $10::text::timestamptz, $11, $12, false, null, null, $13, null, $14::text::jsonb)";
const DELETE: &str = "select outcome, body from api.ide_sync_delete($1, $2, $3, $4, $5, $6, $7::text::jsonb, null)";
const CHANGES: &str = "select outcome, body, bulk from api.ide_sync_changes($1, $2, $3, $4, $5, $6, null, $7, 1000000, $8)";

/// SQLSTATE of a row that a constraint refuses.
const CHECK_VIOLATION: &str = "23514";

/// Whoever has a key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What the database knows of the key.
    pub key_hash: Vec<u8>,
    /// The workspace that it opens.
    pub workspace: Uuid,
}

/// An outcome and its body.
type Reply = (Option<String>, Option<String>);

/// Where a page ended.
#[derive(Deserialize)]
struct PageEnd {
    workspace_id: WorkspaceId,
    epoch: EpochId,
    seq: i64,
    floor: i64,
    has_more: bool,
}

impl Station {
    pub(super) fn send(&mut self, caller: &Caller, origin: &OriginId, pending: &Pending, text: Option<&str>) -> Result<Answer, String> {
        self.runtime.block_on(caller.send(&mut self.app, origin, pending, text))
    }

    pub(super) fn page(&mut self, caller: &Caller, request: &PageRequest) -> Result<Result<Page, ResyncReason>, String> {
        self.runtime.block_on(caller.page(&mut self.app, request))
    }
}

impl Caller {
    /// Sends a request as its component would.
    ///
    /// # Errors
    /// When the database raises an error, or answers what no such request is answered.
    pub async fn send(&self, app: &mut PgConnection, origin: &OriginId, pending: &Pending, text: Option<&str>) -> Result<Answer, String> {
        let request_hash = ContentHash::of_json(&(&pending.path, &pending.request)).to_string();
        let key = pending.key.as_str();
        let analysis = |file: &FileFacts| {
            let analysis = Analysis::default().with_text(text.unwrap_or_default(), file.hash);
            analysis.with_title(Some(&file.title)).with_path(Some(&pending.path))
        };
        let reply: Result<Reply, _> = match &pending.request {
            Request::Create { file } => {
                let create = sqlx::query_as(CREATE).bind(&self.key_hash).bind(self.workspace).bind(key).bind(request_hash);
                let create = create.bind(origin.to_string()).bind(file.title.to_string()).bind(text).bind(file.hash.to_string());
                create.bind(pending.path.as_str()).bind(file.modified.to_string()).bind(json(&analysis(file))?).fetch_one(app).await
            }
            Request::Update { note_id, seen, file, decided, .. } => {
                let update = sqlx::query_as(UPDATE).bind(&self.key_hash).bind(self.workspace).bind(key).bind(request_hash);
                let update = update.bind(origin.to_string()).bind(uuid_of(note_id)?).bind(json(seen)?).bind(text);
                let update = update.bind(file.hash.to_string()).bind(file.modified.to_string()).bind(file.title.to_string());
                update.bind(pending.path.as_str()).bind(*decided).bind(json(&analysis(file))?).fetch_one(app).await
            }
            Request::Delete { note_id, seen } => {
                let delete = sqlx::query_as(DELETE).bind(&self.key_hash).bind(self.workspace).bind(key).bind(request_hash);
                delete.bind(origin.to_string()).bind(uuid_of(note_id)?).bind(json(seen)?).fetch_one(app).await
            }
        };
        let (outcome, body) = match reply {
            // A text whose hash is another one is refused by its component; here it comes as far as the table.
            Err(sqlx::Error::Database(refused)) if refused.code().is_some_and(|code| code == CHECK_VIOLATION) => {
                return Ok(Answer::Refused("content_sha256".to_owned()));
            }
            reply => reply.map_err(told)?,
        };
        answer(&pending.request, &outcome.unwrap_or_default(), &body.unwrap_or_default())
    }

    /// Asks for a page of changes as the component would, but a shorter one.
    ///
    /// # Errors
    /// As [`Caller::send`].
    pub async fn page(&self, app: &mut PgConnection, request: &PageRequest) -> Result<Result<Page, ResyncReason>, String> {
        let cursor = request.cursor;
        let changes = sqlx::query_as(CHANGES).bind(&self.key_hash).bind(self.workspace);
        let changes = changes.bind(cursor.map(|cursor| uuid_of(&cursor.workspace)).transpose()?);
        let changes = changes.bind(cursor.map(|cursor| uuid_of(&cursor.epoch)).transpose()?);
        let changes = changes.bind(cursor.map(|cursor| cursor.seq)).bind(cursor.map(|cursor| cursor.floor));
        let changes = changes.bind(i32::try_from(PAGE_NOTES).unwrap_or(i32::MAX)).bind(request.include_content);
        let (outcome, body, bulk): (Option<String>, Option<String>, Option<String>) = changes.fetch_one(app).await.map_err(told)?;
        let body = body.unwrap_or_default();
        match outcome.as_deref() {
            Some("full_resync") => Ok(Err(parsed(&body)?)),
            Some("changed") => {
                let PageEnd { workspace_id: workspace, epoch, seq, floor, has_more } = parsed(&body)?;
                let changes: Vec<Change> = parsed(&bulk.unwrap_or_default())?;
                in_order(&changes, cursor, seq)?;
                let next_cursor = ChangeCursor { workspace, epoch, seq, floor };
                Ok(Ok(Page { changes: changes.into_iter().map(Into::into).collect(), next_cursor, has_more }))
            }
            other => Err(format!("the changes were answered with {other:?}: {body}")),
        }
    }
}

/// Every change of a page lies between the place that was asked for and the place where the page ends, and behind the one before it.
fn in_order(changes: &[Change], cursor: Option<ChangeCursor>, end: i64) -> Result<(), String> {
    let mut last = cursor.map_or(0, |cursor| cursor.seq);
    for change in changes {
        if change.note.seq <= last || change.note.seq > end {
            return Err(format!("a page from {cursor:?} to {end} has the change {} behind {last}", change.note.seq));
        }
        last = change.note.seq;
    }
    Ok(())
}

fn answer(request: &Request, outcome: &str, body: &str) -> Result<Answer, String> {
    Ok(match (outcome, request) {
        ("deleted" | "already_deleted" | "replayed", Request::Delete { .. }) => Answer::Deleted,
        ("created" | "replayed", Request::Create { .. }) | ("updated" | "unchanged" | "replayed", Request::Update { .. }) => {
            let note: NoteOut = parsed(body)?;
            Answer::Written(Written {
                note_id: note.id,
                hash: note.content_sha256,
                version: note.version,
                version_vector: note.version_vector,
            })
        }
        ("conflict", _) => {
            let found: ConflictFound = parsed(body)?;
            Answer::Conflict(Box::new(readable(found.noted_version)?), found.base.map(|base| base.content))
        }
        ("path_taken", _) => Answer::PathTaken(Box::new(readable(parsed::<PathTaken>(body)?.noted_version)?)),
        ("gone", _) => {
            let gone: Gone = parsed(body)?;
            Answer::Gone(gone.version, gone.version_vector)
        }
        ("not_found", _) => Answer::NotFound,
        ("key_reused", _) => Answer::KeyReused,
        ("unknown_version", _) => Answer::UnknownVersion,
        ("origin_taken", _) => Answer::OriginTaken,
        _ => return Err(format!("{request:?} was answered with {outcome}: {body}")),
    })
}

fn readable(noted: NotedVersion) -> Result<Remote, String> {
    Remote::of_refusal(noted).ok_or_else(|| "a version came without its text to a key that may read".to_owned())
}

fn parsed<T: DeserializeOwned>(body: &str) -> Result<T, String> {
    serde_json::from_str(body).map_err(|error| format!("an answer that cannot be read, {error}: {body}"))
}

fn json(value: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

fn uuid_of(id: &impl ToString) -> Result<Uuid, String> {
    Uuid::parse_str(&id.to_string()).map_err(|error| error.to_string())
}
