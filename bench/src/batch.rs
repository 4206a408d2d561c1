//! The corpus in batches beside what the database alone can do: `COPY` of the same rows into the same table with its indexes.
//!
//! The bodies are made before the clock starts, as the lines of the `COPY` are: what is compared is how rows get into the table.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use noted_shared::domain::{Content, ContentHash, FileMetadata, IdempotencyKey, NotePath, OriginId, Timestamp, Title};
use noted_shared::limits;
use noted_shared::wire::{BatchIn, BatchItem, BatchReply, Envelope, NoteIn};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::load::{Connection, Request, Target};
use crate::rounds::median;
use crate::tenants::Tenants;

const COPY: &str = "copy noted.notes (workspace_id, created_by_user_id, title, content, content_sha256, note_type, ide_file_path, \
    ide_last_modified, version_vector, seq, last_sync_origin_id) from stdin";

/// What became of the documents, as medians of the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct BatchFigures {
    pub(crate) documents: usize,
    pub(crate) bytes: usize,
    pub(crate) requests: usize,
    pub(crate) batch_seconds: f64,
    pub(crate) copy_seconds: f64,
    /// Rows a second of the batches over those of the copy, round by round.
    pub(crate) ratio: f64,
}

struct Document {
    path: String,
    content: String,
    hash: ContentHash,
}

/// Sends the documents in batches and copies them, in turn, each time into a workspace of its own.
pub(crate) async fn measure(
    corpus: &Path,
    documents_max: usize,
    rounds: u32,
    target: &Target,
    tenants: &mut Tenants,
    superuser: &mut PgConnection,
) -> Result<BatchFigures> {
    let documents = read(corpus, documents_max)?;
    let chunks: Vec<&[Document]> = documents.chunks(limits::BATCH_NOTES_MAX).collect();
    let (mut batches, mut copies) = (Vec::new(), Vec::new());
    // The first round warms up.
    for round in 0..=rounds {
        let key = tenants.key().await?;
        let requests: Vec<Request> = chunks.iter().map(|chunk| request(target, &key, chunk)).collect::<Result<_>>()?;
        let batch = send(target, requests, &chunks).await?;
        let key = tenants.key().await?;
        let workspace = tenants.workspace(&key).await?;
        let copied = copy(superuser, lines(workspace, &documents), documents.len()).await?;
        if round > 0 {
            batches.push(batch);
            copies.push(copied);
        }
    }
    Ok(BatchFigures {
        documents: documents.len(),
        bytes: documents.iter().map(|document| document.content.len()).sum(),
        requests: chunks.len(),
        ratio: median(batches.iter().zip(&copies).map(|(batch, copy)| copy / batch)),
        batch_seconds: median(batches),
        copy_seconds: median(copies),
    })
}

fn read(corpus: &Path, documents_max: usize) -> Result<Vec<Document>> {
    let mut paths: Vec<_> = fs::read_dir(corpus)?.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    paths.truncate(documents_max);
    let document = |path: std::path::PathBuf| {
        let content = fs::read_to_string(&path).with_context(|| format!("{} is not UTF-8", path.display()))?;
        let path = path.file_name().context("a file without a name")?.to_string_lossy().into_owned();
        Ok(Document { path, hash: ContentHash::of(&content), content })
    };
    paths.into_iter().map(document).collect()
}

fn request(target: &Target, key: &str, documents: &[Document]) -> Result<Request> {
    let item = |document: &Document| {
        let note = NoteIn {
            title: Title::parse(&document.path)?,
            content: Content::parse(document.content.clone())?,
            content_sha256: document.hash,
            ide_file_path: Some(NotePath::parse(&document.path)?),
            ide_last_modified: Timestamp::parse("2026-01-31T09:30:00Z")?,
            sync_origin_id: OriginId::parse("noted-bench")?,
            folder_id: None,
            note_type: None,
            source_metadata: serde_json::Map::new(),
            file_metadata: FileMetadata::default(),
        };
        let idempotency_key = IdempotencyKey::parse(&Uuid::new_v4().to_string())?;
        Ok::<_, anyhow::Error>(BatchItem { note, idempotency_key, note_id: None, version_vector: None })
    };
    let batch = BatchIn { notes: documents.iter().map(item).collect::<Result<_>>()? };
    let authorization = format!("Bearer {key}");
    Ok(Request::new(target, "POST", "/v1/ide-sync/batch", &[("authorization", &authorization)], &serde_json::to_vec(&batch)?))
}

/// One request after the other, as a client sends them.
async fn send(target: &Target, requests: Vec<Request>, chunks: &[&[Document]]) -> Result<f64> {
    let mut connection = Connection::open(target).await?;
    let begin = Instant::now();
    let mut answers = Vec::new();
    for mut request in requests {
        answers.push(connection.ask(request.numbered(0)).await?);
    }
    let seconds = begin.elapsed().as_secs_f64();
    for (answer, chunk) in answers.iter().zip(chunks) {
        ensure!(answer.status == 200, "a batch was refused: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        let reply: Envelope<BatchReply> = serde_json::from_slice(&answer.body)?;
        let done = reply.data.map_or(0, |reply| reply.summary.succeeded);
        ensure!(done == chunk.len(), "{done} of {} notes were made", chunk.len());
    }
    Ok(seconds)
}

/// The rows in the text format of `COPY`.
fn lines(workspace: Uuid, documents: &[Document]) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
    let mut lines = String::new();
    for (document, seq) in documents.iter().zip(1..) {
        let (path, content, hash) = (escaped(&document.path), escaped(&document.content), document.hash);
        // Writing to a string does not fail.
        let _ = writeln!(
            lines,
            "{workspace}\t{workspace}\t{path}\t{content}\t{hash}\tide_synced\t{path}\t2026-01-31T09:30:00Z\t{{\"noted-bench\": 1}}\t{seq}\tnoted-bench"
        );
    }
    lines
}

async fn copy(superuser: &mut PgConnection, lines: String, documents: usize) -> Result<f64> {
    let begin = Instant::now();
    let mut copying = superuser.copy_in_raw(COPY).await?;
    copying.send(lines.into_bytes()).await?;
    let copied = copying.finish().await?;
    let seconds = begin.elapsed().as_secs_f64();
    ensure!(usize::try_from(copied).ok() == Some(documents), "{copied} of {documents} rows were copied");
    Ok(seconds)
}
