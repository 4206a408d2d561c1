//! How a conflict ends: a decision, or a side's text given back.

use crate::conflict_id;
use noted_shared::domain::{Analysis, ContentHash, Invalid, Judgement, OriginId};
use noted_shared::edge::{Call, Outcome, Reply, Statement};
use noted_shared::error::Error;
use noted_shared::input::{Fields, text};
use noted_shared::params;
use noted_shared::wire::{Conflict, ConflictResolved, NoteOut, NoteReply, Resolution};

const RESOLVE: Statement =
    Statement::new("resolving a conflict", "select * from api.conflicts_resolve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
const RESTORE: Statement =
    Statement::new("restoring a side of a conflict", "select * from api.conflicts_restore($1, $2, $3, $4, $5, $6, $7)");

/// `POST /v1/conflicts/{id}/resolve`. Outcomes: 200, 400, 401, 403, 404, 409 (the note has changed since, its path is taken, or the conflict was
/// settled before), 413, 415, 422, 429, 503.
pub(crate) async fn resolve(call: &mut Call) -> Result<Reply, Error> {
    let conflict_id = conflict_id(call)?;
    let (idempotency_key, mut resolution) = call.change(Resolution::parse).await?;
    call.is_from(&resolution.sync_origin_id);
    let content = resolution.content.take().map(|content| content.into_string());

    let mut analysis = Analysis::default();
    if let (Some(content), Some(hash)) = (&content, resolution.content_sha256) {
        analysis = analysis.with_text(content, hash);
    }
    let judge = |rules| {
        let hash = resolution.content_sha256.unwrap_or_else(|| ContentHash::of(""));
        Judgement::of(content.as_deref().unwrap_or_default(), hash, rules).about_conflict(conflict_id)
    };
    let params = |analysis: &Analysis| {
        params![
            &idempotency_key,
            ContentHash::of_json(&resolution),
            conflict_id,
            &resolution.sync_origin_id,
            &resolution.version_vector,
            resolution.strategy.name(),
            content.as_deref(),
            resolution.content_sha256,
            analysis,
        ]
    };
    let row = call.ask_judged(&RESOLVE, analysis, judge, params).await?;
    match row.outcome()? {
        outcome @ (Outcome::Resolved | Outcome::Replayed) => {
            let resolved: ConflictResolved = row.body()?;
            call.is_about(resolved.note.id);
            Ok(Reply::ok(&resolved)?.replayed(outcome == Outcome::Replayed))
        }
        Outcome::NoConflict | Outcome::NotFound => Err(Error::NoConflict(conflict_id)),
        Outcome::AlreadyResolved => Err(Error::AlreadyResolved(conflict_id)),
        Outcome::Conflict => Err(Error::Conflict(Box::new(Conflict::new(resolution.version_vector, None, row.body()?, None)))),
        _ => Err(row.note_refusal(None, None)),
    }
}

/// `POST /v1/conflicts/{id}/restore`. Outcomes: 200, 400, 401, 403, 404, 409 (its path is taken), 415, 422, 429, 503.
pub(crate) async fn restore(call: &mut Call) -> Result<Reply, Error> {
    let conflict_id = conflict_id(call)?;
    let (idempotency_key, (is_ide, origin)) = call.repeatable_change(side).await?;
    let request_hash = ContentHash::of_json(&(is_ide, &origin));
    let params = || params![idempotency_key.as_ref(), request_hash, conflict_id, origin.as_ref(), is_ide];
    let row = call.ask(&RESTORE, params).await?;
    match row.outcome()? {
        outcome @ (Outcome::Updated | Outcome::Unchanged | Outcome::Replayed) => {
            let note: NoteOut = row.body()?;
            let (note_id, version) = (note.id, note.version);
            call.is_about(note_id);
            let reply = Reply::ok(&NoteReply { success: true, note })?.with_version(note_id, version);
            Ok(reply.replayed(outcome == Outcome::Replayed))
        }
        Outcome::NoSide => Err(Error::field("side", Invalid::refused("has no text: its sender wanted to delete the note"))),
        Outcome::NoConflict | Outcome::NotFound => Err(Error::NoConflict(conflict_id)),
        _ => Err(row.note_refusal(None, None)),
    }
}

fn side(mut fields: Fields) -> Result<(bool, Option<OriginId>), Error> {
    let is_ide = fields.required(
        "side",
        text(|side| match side {
            "ide" => Ok(true),
            "noted" => Ok(false),
            _ => Err(Invalid::refused("must be ide or noted")),
        }),
    );
    let origin = fields.optional("sync_origin_id", text(OriginId::parse));
    let Some(is_ide) = is_ide else { return Err(fields.into_error()) };
    fields.finish().map(|()| (is_ide, origin))
}
