//! `POST /v1/ide-sync/create`: make a note from a file.
//!
//! One statement does the work, `api.ide_sync_create`. Sent again with the same idempotency key, the first answer is given again.
//! Outcomes: 201, 400, 401, 403, 404 (no such folder), 409 (another note has the path), 413, 415, 422 (also where an agent's text breaks rules),
//! 429, 503.

use noted_shared::domain::{Analysis, ContentHash, Judgement, Scope};
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Statement};
use noted_shared::error::Error;
use noted_shared::params;
use noted_shared::wire::{NoteIn, NoteOut, NoteReply};

const ROUTE: Route = Route { operation: "ide_sync_create", method: Some("POST"), scopes: &[Scope::NotesWrite, Scope::IdeSync] };

const CREATE: Statement = Statement::new(
    "creating a note",
    "select * from api.ide_sync_create($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::timestamptz, $11, $12, $13, $14, $15)",
);

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, create).await
}

async fn create(call: &mut Call) -> Result<Reply, Error> {
    let (idempotency_key, mut note) = call.change(NoteIn::parse).await?;
    let content = note.take_content();
    call.is_from(&note.sync_origin_id);
    let analysis =
        Analysis::default().with_text(&content, note.content_sha256).with_title(Some(&note.title)).with_path(note.ide_file_path.as_ref());

    let judge = |rules| Judgement::of(&content, note.content_sha256, rules).with_title(Some(&note.title));
    let params = |analysis: &Analysis| {
        params![
            &idempotency_key,
            ContentHash::of_json(&note),
            &note.sync_origin_id,
            &note.title,
            content.as_str(),
            note.content_sha256,
            note.ide_file_path.as_ref(),
            note.ide_last_modified,
            note.folder_id,
            note.kind(),
            &note.source_metadata,
            &note.file_metadata,
            analysis,
        ]
    };
    let row = call.ask_judged(&CREATE, analysis, judge, params).await?;
    match row.outcome()? {
        outcome @ (Outcome::Created | Outcome::Replayed) => {
            let note = NoteOut { content: Some(content), ..row.body()? };
            let note_id = note.id;
            call.is_about(note_id);
            let reply = Reply::created(&NoteReply { success: true, note })?;
            Ok(reply.with_version(note_id, 1).replayed(outcome == Outcome::Replayed))
        }
        _ => Err(row.note_refusal(None, note.folder_id)),
    }
}
