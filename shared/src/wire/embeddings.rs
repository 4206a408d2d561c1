//! How the vectors of a workspace stand.

use crate::domain::{NoteId, Timestamp};
use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/embeddings`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmbeddingsStatus {
    /// The state of everything.
    pub embeddings: Embeddings,
}

/// The vectors of a workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Embeddings {
    /// Whether texts may go to the provider of embeddings.
    pub ai_processing: bool,
    /// The model that notes are queued for; absent until the worker has looked at the workspace.
    pub model: Option<String>,
    /// Live notes by what is known of them.
    pub notes: NoteCounts,
    /// Chunks that the notes are cut into.
    pub chunks: i64,
    /// Vectors by model; more than one while a model replaces another.
    pub vectors: Vec<VectorCount>,
    /// Texts that were sent to the provider so far.
    pub embedded_chunks: i64,
    /// Tokens that the provider counted for them.
    pub embedded_tokens: i64,
    /// Since when the oldest waiting note waits.
    pub oldest_queued_at: Option<Timestamp>,
    /// Until when the provider is left alone, because it failed too often or asked for it.
    pub provider_paused_until: Option<Timestamp>,
    /// Notes that failed: those that were given up, and those that will be tried again. Twenty at most.
    pub failures: Vec<EmbeddingFailure>,
}

/// Live notes by state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteCounts {
    /// All of them.
    pub total: i64,
    /// Not yet cut into chunks: not found by words either.
    pub not_analysed: i64,
    /// Waiting.
    pub pending: i64,
    /// At the provider.
    pub in_progress: i64,
    /// With all their vectors.
    pub completed: i64,
    /// Given up after the last attempt.
    pub failed_permanently: i64,
}

/// Vectors of a model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VectorCount {
    /// The model.
    pub model: String,
    /// How many.
    pub vectors: i64,
}

/// A note without its vectors, and why.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmbeddingFailure {
    /// The note.
    pub note_id: NoteId,
    /// Its title.
    pub title: String,
    /// `pending` or `failed_permanently`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// What went wrong the last time.
    pub error: String,
    /// When it is tried again; absent when it was given up.
    pub next_attempt_at: Option<Timestamp>,
}

/// The answer of `POST /v1/embeddings/backfill`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct EmbeddingsQueued {
    /// Notes that wait now.
    pub queued: i64,
}
