//! `DELETE /v1/ide-sync/delete/{id}`: turn a note into a tombstone.
//!
//! One statement does the work, `api.ide_sync_delete`. The sender says what it has seen, as in every write: by `version_vector` in the body, or in the
//! query for clients that send no body with a DELETE, or by `If-Match`. Deleting twice is the same as deleting once, so an idempotency key may be
//! sent but need not be.
//! Outcomes: 200, 400, 401, 403, 404, 409 (a version that the sender has not seen), 412, 415, 422, 428, 429, 503.

use noted_shared::domain::{ContentHash, IdempotencyKey, Invalid, OriginId, Scope, VersionVector};
use noted_shared::edge::{self, Call, IfMatch, Outcome, Reply, Request, Response, Route, Row, Statement};
use noted_shared::error::Error;
use noted_shared::input::{Fields, json, text};
use noted_shared::params;
use noted_shared::wire::{Conflict, NoteDeleted};
use serde_json::Value;

const ROUTE: Route = Route { operation: "ide_sync_delete", method: Some("DELETE"), scopes: &[Scope::NotesDelete, Scope::IdeSync] };

const DELETE: Statement = Statement::new("deleting a note", "select * from api.ide_sync_delete($1, $2, $3, $4, $5, $6, $7, $8)");

/// Where the path names the note: `/v1/ide-sync/delete/{id}`.
const ID: usize = 3;

/// What the body says, or the query.
struct Said {
    idempotency_key: Option<IdempotencyKey>,
    origin: Option<OriginId>,
    seen: Option<VersionVector>,
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, delete).await
}

async fn delete(call: &mut Call) -> Result<Reply, Error> {
    let note_id = call.note_id(ID)?;
    let if_match = call.if_match(note_id)?;
    let Said { idempotency_key, origin, seen } = said(call).await?;
    if seen.is_none() && if_match.is_none() {
        return Err(Error::PreconditionRequired(Some("version_vector")));
    }
    if let Some(origin) = &origin {
        call.is_from(origin);
    }

    let if_version = if_match.and_then(IfMatch::version);
    let request_hash = ContentHash::of_json(&(&origin, &seen, if_version));
    let params = || params![idempotency_key.as_ref(), request_hash, origin.as_ref(), note_id, seen.as_ref(), if_version];
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

/// Reads the query, and the body with the headers that say the same. What both say must be the same.
async fn said(call: &mut Call) -> Result<Said, Error> {
    let in_query = Said::read(call.query()?, json(VersionVector::parse))?;
    let mut body = call.fields_if_any().await?;
    call.add_headers(&mut body);
    let in_body = Said::read(body, VersionVector::parse)?;
    Ok(Said {
        idempotency_key: once("idempotency_key", in_query.idempotency_key, in_body.idempotency_key)?,
        origin: once("sync_origin_id", in_query.origin, in_body.origin)?,
        seen: once("version_vector", in_query.seen, in_body.seen)?,
    })
}

fn once<T: PartialEq>(field: &'static str, in_query: Option<T>, in_body: Option<T>) -> Result<Option<T>, Error> {
    match (in_query, in_body) {
        (Some(one), Some(other)) if one != other => Err(Error::field(field, Invalid::malformed("differs between query and body"))),
        (one, other) => Ok(one.or(other)),
    }
}

impl Said {
    fn read(mut fields: Fields, vector: impl FnOnce(Value) -> Result<VersionVector, Invalid>) -> Result<Self, Error> {
        let said = Self {
            idempotency_key: fields.optional("idempotency_key", text(IdempotencyKey::parse)),
            origin: fields.optional("sync_origin_id", text(OriginId::parse)),
            seen: fields.optional("version_vector", vector),
        };
        fields.finish().map(|()| said)
    }
}

fn conflict(seen: VersionVector, row: &Row) -> Result<Error, Error> {
    Ok(Error::Conflict(Box::new(Conflict::new(seen, None, row.body()?, None))))
}
