//! The corpus in batches beside what the database alone can do: `COPY` of the same rows into the same tables with their indexes.
//!
//! The bodies are made before the clock starts, and the rows of the `COPY` are those that the batch wrote: what is compared is how rows get into
//! the tables. What the batch has to find out besides, the chunks and their words, is part of it.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt;
use noted_shared::domain::{Content, ContentHash, FileMetadata, IdempotencyKey, NotePath, OriginId, Timestamp, Title};
use noted_shared::limits;
use noted_shared::wire::{BatchIn, BatchItem, BatchReply, Envelope, NoteIn};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::load::{Connection, Request, Target};
use crate::rounds::median;
use crate::tenants::Tenants;

/// The tables that a batch fills, each with its columns after the workspace.
const TABLES: [(&str, &str); 3] = [
    (
        "noted.notes",
        "id, created_by_user_id, title, content, content_sha256, note_type, ide_file_path, ide_last_modified, version_vector, seq, last_sync_origin_id",
    ),
    ("search.notes", "note_id, content_sha256, title, path, embedding_status"),
    ("search.chunks", "note_id, chunk_index, heading_path, byte_start, byte_end, text_hash, words_count, words"),
];

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
        let [key, other] = [tenants.key().await?, tenants.key().await?];
        let requests: Vec<Request> = chunks.iter().map(|chunk| request(target, &key, chunk)).collect::<Result<_>>()?;
        let batch = send(target, requests, &chunks).await?;
        let rows = rows(superuser, tenants.workspace(&key).await?, tenants.workspace(&other).await?).await?;
        let copied = copy(superuser, rows, documents.len()).await?;
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

/// What a batch wrote, as rows of another workspace in the text format of `COPY`, table by table.
async fn rows(superuser: &mut PgConnection, from: Uuid, to: Uuid) -> Result<Vec<Vec<u8>>> {
    // The words of a workspace begin with its number.
    let numbered = "insert into search.workspaces (workspace_id) values ($1) returning number";
    let number: i32 = sqlx::query_scalar(numbered).bind(to).fetch_one(&mut *superuser).await?;
    let before: i32 =
        sqlx::query_scalar("select number from search.workspaces where workspace_id = $1").bind(from).fetch_one(&mut *superuser).await?;
    let mut tables = Vec::new();
    for (table, columns) in TABLES {
        let renumbered = format!("words_count, replace(words::text, '''{before}:', '''{number}:')::tsvector");
        let columns = columns.replace("words_count, words", &renumbered);
        let out = format!("copy (select '{to}'::uuid, {columns} from {table} where workspace_id = '{from}') to stdout");
        let rows: Vec<_> = superuser.copy_out_raw(&out).await?.try_collect().await?;
        tables.push(rows.concat());
    }
    Ok(tables)
}

async fn copy(superuser: &mut PgConnection, rows: Vec<Vec<u8>>, documents: usize) -> Result<f64> {
    let begin = Instant::now();
    let mut counts = Vec::new();
    for ((table, columns), rows) in TABLES.iter().zip(rows) {
        let mut copying = superuser.copy_in_raw(&format!("copy {table} (workspace_id, {columns}) from stdin")).await?;
        copying.send(rows).await?;
        counts.push(copying.finish().await?);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let whole = counts.iter().take(2).all(|&count| usize::try_from(count).ok() == Some(documents));
    ensure!(whole, "{counts:?} rows of {documents} documents were copied");
    Ok(seconds)
}
