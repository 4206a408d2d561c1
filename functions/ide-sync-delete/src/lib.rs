//! `DELETE /v1/ide-sync/delete/{id}`: turn a note into a tombstone.
//!
//! One statement does the work, `api.ide_sync_delete`. Deleting twice is the same as deleting once, so an idempotency key may be sent but
//! need not be. With `version_vector` in the query (a JSON object), a version that the sender has not seen is not deleted.
//! Outcomes: 200, 400, 401, 403, 404, 409 (a newer version exists), 422, 429, 503.

use noted_shared::domain::{ContentHash, IdempotencyKey, OriginId, Scope, VersionVector};
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Row, Statement};
use noted_shared::error::Error;
use noted_shared::input::{json, text};
use noted_shared::params;
use noted_shared::wire::{Conflict, NoteDeleted};

const ROUTE: Route = Route { operation: "ide_sync_delete", method: Some("DELETE"), scopes: &[Scope::NotesDelete, Scope::IdeSync] };

const DELETE: Statement = Statement::new("deleting a note", "select * from api.ide_sync_delete($1, $2, $3, $4, $5, $6, $7)");

/// Where the path names the note: `/v1/ide-sync/delete/{id}`.
const ID: usize = 3;

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, delete).await
}

async fn delete(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id(ID)?;
    let mut fields = call.query()?;
    call.add_headers(&mut fields);
    let idempotency_key = fields.optional("idempotency_key", text(IdempotencyKey::parse));
    let origin = fields.optional("sync_origin_id", text(OriginId::parse));
    let seen = fields.optional("version_vector", json(VersionVector::parse));
    fields.finish()?;

    let request_hash = ContentHash::of_json(&(&origin, &seen));
    let params = || params![idempotency_key.as_ref(), request_hash, origin.as_ref(), note_id, seen.as_ref()];
    let row = call.ask(&DELETE, params).await?;
    match row.outcome()? {
        outcome @ (Outcome::Deleted | Outcome::AlreadyDeleted | Outcome::Replayed) => {
            let deleted = NoteDeleted::new(note_id, row.body()?);
            Ok(Reply::ok(&deleted)?.replayed(outcome == Outcome::Replayed))
        }
        Outcome::Conflict => Err(conflict(seen.unwrap_or_default(), &row)?),
        _ => Err(row.note_refusal(Some(note_id), None)),
    }
}

fn conflict(seen: VersionVector, row: &Row) -> Result<Error, Error> {
    Ok(Error::Conflict(Box::new(Conflict::new(seen, None, row.body()?, None))))
}
