//! `PUT /v1/ide-sync/update/{id}`: replace a note's text, and whatever else its file says.
//!
//! One statement does the work, `api.ide_sync_update`. The version vector decides whether the sender has seen what would be replaced;
//! `If-Match` may demand a version besides. An update that changes nothing is accepted and makes no new version.
//! Outcomes: 200, 400, 401, 403, 404, 409 (changed side by side, or the path is taken), 412, 413, 415, 422, 429, 503.

use noted_shared::domain::{ContentHash, Scope};
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Row, Statement};
use noted_shared::error::Error;
use noted_shared::params;
use noted_shared::wire::{Conflict, NoteOut, NoteReply, NoteUpdate, NotedVersion};

const ROUTE: Route = Route { operation: "ide_sync_update", method: Some("PUT"), scopes: &[Scope::NotesWrite, Scope::IdeSync] };

const UPDATE: Statement = Statement::new(
    "updating a note",
    "select * from api.ide_sync_update($1, $2, $3, $4, $5, $6, $7, $8, $9::text::timestamptz, $10, $11, $12::text::timestamptz, \
     $13, $14, $15, $16, $17)",
);

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, update).await
}

async fn update(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id()?;
    let if_match = call.if_match()?;
    let (idempotency_key, mut note) = call.change(NoteUpdate::parse).await?;
    let content = note.take_content();
    call.is_from(&note.sync_origin_id);

    let params = || {
        params![
            &idempotency_key,
            ContentHash::of_json(&note),
            &note.sync_origin_id,
            note_id,
            &note.version_vector,
            if_match,
            note.last_known_updated_at,
            content.as_str(),
            note.content_sha256,
            note.ide_last_modified,
            note.title.as_ref(),
            note.ide_file_path.as_ref(),
            note.folder_id.is_some(),
            note.folder_id.flatten(),
            note.file_metadata.as_ref(),
        ]
    };
    let row = call.ask(&UPDATE, params).await?;
    match (row.outcome()?, note.folder_id.flatten()) {
        (outcome @ (Outcome::Updated | Outcome::Unchanged | Outcome::Replayed), _) => {
            let note = NoteOut { content: Some(content), ..row.body()? };
            let version = note.version;
            let reply = Reply::ok(&NoteReply { success: true, note })?;
            Ok(reply.with_version(version).replayed(outcome == Outcome::Replayed))
        }
        (Outcome::NotFound, _) => Err(Error::NoNote(note_id)),
        (Outcome::Conflict, _) => Err(conflict(note, &row)?),
        (Outcome::VersionMismatch, _) => Err(Error::VersionMismatch(row.body()?)),
        (Outcome::PathTaken, _) => Err(Error::PathTaken(row.body()?)),
        (Outcome::NoFolder, Some(folder_id)) => Err(Error::NoFolder(folder_id)),
        _ => Err(row.refusal()),
    }
}

fn conflict(note: NoteUpdate, row: &Row) -> Result<Error, Error> {
    let noted_version: NotedVersion = row.body()?;
    Ok(Error::Conflict(Box::new(Conflict::new(note.version_vector, Some(note.ide_last_modified), noted_version))))
}
