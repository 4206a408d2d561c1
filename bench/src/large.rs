//! Updates of a note of one megabyte, one after the other: the largest text that is allowed, replaced by another.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use noted_shared::domain::{Content, ContentHash, FileMetadata, NoteId, NotePath, OriginId, Timestamp, Title, VersionVector};
use noted_shared::limits;
use noted_shared::wire::{Envelope, MergeMode, NoteIn, NoteOut, NoteReply, NoteUpdate};
use serde::Serialize;
use uuid::Uuid;

use crate::load::{Connection, Request, Target};

/// How long the updates took.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct LargeFigures {
    pub(crate) updates: usize,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
}

/// Updates one note so many times.
pub(crate) async fn measure(target: &Target, key: &str, updates: usize) -> Result<LargeFigures> {
    let mut connection = Connection::open(target).await?;
    let origin = OriginId::parse("noted-bench")?;
    let mut note = ask(&mut connection, create(target, key, "large.md", &text(usize::MAX)?)?, 201).await?;
    let mut latencies = Vec::with_capacity(updates);
    for number in 0..updates {
        let request = update(target, key, note.id, &text(number)?, (note.version_vector, &origin))?;
        let begin = Instant::now();
        note = ask(&mut connection, request, 200).await?;
        latencies.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    latencies.sort_by(f64::total_cmp);
    Ok(LargeFigures { updates, p50_ms: percentile(&latencies, 50), p95_ms: percentile(&latencies, 95) })
}

/// Of sorted times, the one that so many of a hundred do not exceed.
pub(crate) fn percentile(sorted: &[f64], share: usize) -> f64 {
    sorted[(sorted.len() * share / 100).min(sorted.len() - 1)]
}

/// A text of exactly the allowed size that has no long repetition: a compressor must not make it small.
fn text(number: usize) -> Result<Content> {
    let lines = (0..).map(|line| format!("{}\n", ContentHash::of(&format!("{number} {line}"))));
    let mut text = String::with_capacity(limits::CONTENT_BYTES_MAX);
    for line in lines {
        if text.len() + line.len() > limits::CONTENT_BYTES_MAX {
            break;
        }
        text.push_str(&line);
    }
    text.extend(std::iter::repeat_n('x', limits::CONTENT_BYTES_MAX - text.len()));
    Ok(Content::parse(text)?)
}

/// A request that makes a note.
pub(crate) fn create(target: &Target, key: &str, path: &str, content: &Content) -> Result<Request> {
    let note = NoteIn {
        title: Title::parse("A large note")?,
        content_sha256: ContentHash::of(content.as_str()),
        content: content.clone(),
        ide_file_path: Some(NotePath::parse(path)?),
        ide_last_modified: Timestamp::parse("2026-01-31T09:30:00Z")?,
        sync_origin_id: OriginId::parse("noted-bench")?,
        folder_id: None,
        note_type: None,
        source_metadata: serde_json::Map::new(),
        file_metadata: FileMetadata::default(),
    };
    request(target, key, "POST", "/v1/ide-sync/create", &note)
}

/// A request that replaces a note's text, by somebody who has seen that version; what can be merged may be.
pub(crate) fn update(
    target: &Target,
    key: &str,
    id: NoteId,
    content: &Content,
    (seen, origin): (VersionVector, &OriginId),
) -> Result<Request> {
    let note = NoteUpdate {
        content_sha256: ContentHash::of(content.as_str()),
        content: content.clone(),
        ide_last_modified: Timestamp::parse("2026-01-31T09:30:00Z")?,
        sync_origin_id: origin.clone(),
        version_vector: seen,
        title: None,
        ide_file_path: None,
        folder_id: None,
        file_metadata: None,
        last_known_updated_at: None,
        force_overwrite: false,
        merge: Some(MergeMode::Auto),
    };
    request(target, key, "PUT", &format!("/v1/ide-sync/update/{id}"), &note)
}

fn request(target: &Target, key: &str, method: &str, path: &str, body: &impl Serialize) -> Result<Request> {
    let (authorization, idempotency_key) = (format!("Bearer {key}"), Uuid::new_v4().to_string());
    let headers = [("authorization", &*authorization), ("idempotency-key", &idempotency_key)];
    Ok(Request::new(target, method, path, &headers, &serde_json::to_vec(body)?))
}

/// Sends a request that must be answered with a note and this status.
pub(crate) async fn ask(connection: &mut Connection, mut request: Request, status: u16) -> Result<NoteOut> {
    let answer = connection.ask(request.numbered(0)).await?;
    ensure!(answer.status == status, "refused: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    note_of(&answer.body)
}

/// The note of an answer.
pub(crate) fn note_of(body: &[u8]) -> Result<NoteOut> {
    let reply: Envelope<NoteReply> = serde_json::from_slice(body)?;
    Ok(reply.data.context("an answer without a note")?.note)
}
