//! `POST /v1/ide-sync/batch`: make and change many notes in one request.
//!
//! One statement does the work, `api.ide_sync_batch`. Each item stands for itself: one that cannot be read or is refused fails alone, with the
//! code and message that its own route would have answered, and can be sent there again with the same idempotency key. If more than a tenth
//! of them fail, nothing is done at all. Outcomes: 200, 400, 401, 403, 413, 415, 422 (more than a tenth failed), 429, 503.

use noted_shared::domain::{Analysis, ContentHash, Judgement, Scope, WorkspaceRules};
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Row, Statement};
use noted_shared::error::Error;
use noted_shared::input::{BatchChange, BatchEntry};
use noted_shared::params;
use noted_shared::wire::{BatchReply, BatchResult, BatchSummary, Conflict, NoteOut};
use serde_json::{Value, json};

const ROUTE: Route = Route { operation: "ide_sync_batch", method: Some("POST"), scopes: &[Scope::NotesWrite, Scope::IdeSync] };

const BATCH: Statement = Statement::new("writing a batch", "select * from api.ide_sync_batch($1, $2, $3, $4, $5, $6, $7)");

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, batch).await
}

async fn batch(call: &mut Call) -> Result<Reply, Error> {
    let entries = call.batch().await?;
    let total = entries.len();
    let (mut sent, mut contents, mut analyses) = (Vec::with_capacity(total), Vec::with_capacity(total), Vec::with_capacity(total));
    let entries: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            entry.and_then(|mut entry| {
                let content = entry.change.take_content();
                analyses.push(as_json(&analysis(&entry.change, &content))?);
                contents.push(content);
                sent.push(item(&entry));
                Ok(entry)
            })
        })
        .collect();

    let items = Value::Array(sent);
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let params = |analyses: &[String]| params![&items, contents.as_slice(), analyses, number(total), number(total - contents.len())];
    let mut row = call.ask(&BATCH, || params(&analyses)).await?;
    if row.outcome()? == Outcome::NotJudged {
        // As `Call::ask_judged` does it, for every text of the batch.
        let rules: WorkspaceRules = row.body()?;
        let read = entries.iter().filter_map(|entry| entry.as_ref().ok());
        analyses = read
            .zip(&contents)
            .map(|(entry, content)| as_json(&judged(&entry.change, content, rules.clone())))
            .collect::<Result<_, _>>()?;
        row = call.ask(&BATCH, || params(&analyses)).await?;
    }
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

/// What search needs to know of an item.
fn analysis(change: &BatchChange, content: &str) -> Analysis {
    let (hash, title, path) = match change {
        BatchChange::Create(note) => (note.content_sha256, Some(&note.title), note.ide_file_path.as_ref()),
        BatchChange::Update(_, note) => (note.content_sha256, note.title.as_ref(), note.ide_file_path.as_ref()),
    };
    Analysis::default().with_text(content, hash).with_title(title).with_path(path)
}

/// The same, with what the rules for agents say of its text.
fn judged(change: &BatchChange, content: &str, rules: WorkspaceRules) -> Analysis {
    let judgement = match change {
        BatchChange::Create(note) => Judgement::of(content, note.content_sha256, rules).with_title(Some(&note.title)),
        BatchChange::Update(note_id, note) => {
            Judgement::of(content, note.content_sha256, rules).about_note(*note_id).with_title(note.title.as_ref())
        }
    };
    analysis(change, content).with_judgement(judgement)
}

/// An analysis as JSON already, because a hundred of them would take the memory of an instance.
fn as_json(analysis: &Analysis) -> Result<String, Error> {
    serde_json::to_string(analysis).map_err(|wrong| Error::internal("writing an analysis", wrong.to_string()))
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
