//! `POST /v1/ide-sync/batch`: make and change many notes in one request.
//!
//! One statement does the work, `api.ide_sync_batch`. Each item stands for itself: one that cannot be read or is refused fails alone, with the
//! code and message that its own route would have answered, and can be sent there again with the same idempotency key. If more than a tenth
//! of them fail, nothing is done at all. Outcomes: 200, 400, 401, 403, 413, 415, 422 (more than a tenth failed), 429, 503.

use noted_shared::domain::{ContentHash, Scope};
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Row, Statement};
use noted_shared::error::Error;
use noted_shared::input::{BatchChange, BatchEntry, batch_items};
use noted_shared::params;
use noted_shared::wire::{BatchReply, BatchResult, BatchSummary, Conflict, NoteOut};
use serde_json::{Value, json};

const ROUTE: Route = Route { operation: "ide_sync_batch", method: Some("POST"), scopes: &[Scope::NotesWrite, Scope::IdeSync] };

const BATCH: Statement = Statement::new("writing a batch", "select * from api.ide_sync_batch($1, $2, $3, $4, $5, $6)");

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, batch).await
}

async fn batch(call: &mut Call) -> Result<Reply, Error> {
    let entries: Vec<_> = batch_items(call.batch().await?)?.into_iter().map(|item| BatchEntry::parse(item, call.origin_header())).collect();
    let total = entries.len();
    let (mut sent, mut contents) = (Vec::with_capacity(total), Vec::with_capacity(total));
    let entries: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            entry.map(|mut entry| {
                contents.push(entry.change.take_content());
                sent.push(item(&entry));
                entry
            })
        })
        .collect();

    let items = Value::Array(sent);
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let params = || params![&items, contents.as_slice(), number(total), number(total - contents.len())];
    let row = call.ask(&BATCH, params).await?;
    let is_done = match row.outcome()? {
        Outcome::Batched => true,
        Outcome::BatchFailed => false,
        _ => return Err(row.refusal()),
    };
    let mut rows = row.rows()?.into_iter();
    let mut outcomes = Vec::with_capacity(total);
    for entry in entries {
        outcomes.push(match entry {
            Ok(entry) => outcome(&entry, &rows.next().ok_or_else(|| Error::internal("reading a reply", "an item without a result"))?),
            Err(wrong) => Err(wrong),
        });
    }
    answer(outcomes, is_done)
}

/// An item as the statement takes it, without its text: by the names of the columns that it fills.
fn item(entry: &BatchEntry) -> Value {
    match &entry.change {
        BatchChange::Create(note) => json!({
            "idempotency_key": entry.idempotency_key,
            "request_hash": ContentHash::of_json(note),
            "last_sync_origin_id": note.sync_origin_id,
            "title": note.title,
            "content_sha256": note.content_sha256,
            "ide_file_path": note.ide_file_path,
            "ide_last_modified": note.ide_last_modified,
            "folder_id": note.folder_id,
            "note_type": note.kind(),
            "source_metadata": note.source_metadata,
            "file_metadata": note.file_metadata,
        }),
        BatchChange::Update(note_id, note) => json!({
            "idempotency_key": entry.idempotency_key,
            "request_hash": ContentHash::of_json(note),
            "note_id": note_id,
            "origin": note.sync_origin_id,
            "version_vector": note.version_vector,
            "if_updated_at": note.last_known_updated_at,
            "content_sha256": note.content_sha256,
            "ide_last_modified": note.ide_last_modified,
            "title": note.title,
            "sets_path": note.ide_file_path.is_some(),
            "path": note.ide_file_path,
            "sets_folder": note.folder_id.is_some(),
            "folder_id": note.folder_id.flatten(),
            "file_metadata": note.file_metadata,
            "restores": note.force_overwrite,
        }),
    }
}

/// What its own route would have made of the item's row.
fn outcome(entry: &BatchEntry, row: &Row) -> Result<(&'static str, NoteOut), Error> {
    let message = match row.outcome()? {
        Outcome::Created => "created",
        Outcome::Updated => "updated",
        Outcome::Unchanged => "unchanged",
        Outcome::Replayed => "replayed",
        refused => return Err(refusal(entry, refused, row)?),
    };
    Ok((message, row.body()?))
}

fn refusal(entry: &BatchEntry, outcome: Outcome, row: &Row) -> Result<Error, Error> {
    Ok(match (&entry.change, outcome) {
        (BatchChange::Update(_, note), Outcome::Conflict) => {
            Error::Conflict(Box::new(Conflict::new(note.version_vector.clone(), Some(note.ide_last_modified), row.body()?, None)))
        }
        (BatchChange::Update(note_id, note), _) => row.note_refusal(Some(*note_id), note.folder_id.flatten()),
        (BatchChange::Create(note), _) => row.note_refusal(None, note.folder_id),
    })
}

/// The answer: what became of each item, and whether anything was done. A fault of ours in one of them is one of the whole batch.
fn answer(outcomes: Vec<Result<(&'static str, NoteOut), Error>>, is_done: bool) -> Result<Reply, Error> {
    let total = outcomes.len();
    let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let summary = BatchSummary { total, succeeded: total - failed, failed };
    let taken_back = Error::BatchFailed { total, failed };
    let mut results = Vec::with_capacity(total);
    for (idx, outcome) in outcomes.into_iter().enumerate() {
        results.push(match outcome {
            Err(Error::Internal(fault)) => return Err(Error::Internal(fault)),
            Err(refused) => BatchResult::refused(idx, &refused, is_done),
            // What an earlier request has done is not taken back with this one.
            Ok((message, note)) if is_done || message == "replayed" => BatchResult::done(idx, message, note),
            Ok(_) => BatchResult::refused(idx, &taken_back, is_done),
        });
    }
    let reply = BatchReply { results, summary };
    if is_done { Reply::ok(&reply) } else { Ok(Reply::with_status(422, &reply)?.with_problem(&taken_back)) }
}
