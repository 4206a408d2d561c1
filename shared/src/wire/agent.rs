//! What agents write, how their texts are judged, and what people made of them.

use super::NoteOut;
use crate::domain::{Content, ContentHash, FolderId, NoteId, NotePath, OriginId, Timestamp, Title, Violation};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The body of `POST /v1/agent/write-note`. Send an `Idempotency-Key` header with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentNote {
    /// The note to change; a new one is made when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_id: Option<NoteId>,
    /// One line. When absent, a new note is called by its first heading or line, and one that exists keeps its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// The text: markdown of 50 characters to 100 KiB.
    pub content: Content,
    /// SHA-256 of `content`; checked where it is sent, else computed.
    pub content_sha256: ContentHash,
    /// Where its file shall lie in the synced folder. When absent a new note has none, and one that exists keeps its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ide_file_path: Option<NotePath>,
    /// The folder to put it in. When absent a new note is in none, and one that exists stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<FolderId>,
    /// Its tags. When absent a new note has none, and one that exists keeps its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// With `note_id`: the version that the agent has seen. The header `If-Match` says the same; one of the two is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_version: Option<i64>,
    /// What the agent says of its text.
    pub metadata: AgentMetadata,
    /// The writer; the key itself when absent here and in `X-Sync-Origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_origin_id: Option<OriginId>,
}

/// What an agent says of its text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AgentMetadata {
    /// The model that wrote it.
    pub agent_model: Option<String>,
    /// What the agent is called, which runs the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// What it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_prompt: Option<String>,
    /// How sure it is, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_score: Option<f64>,
    /// The ids of the notes that the model was given, in the order in which it cites them by numbers.
    #[serde(default)]
    pub rag_context_ids: Vec<String>,
    /// When it was written, by the agent's clock. Kept, never used to decide anything.
    #[serde(default)]
    pub generation_timestamp: Option<Timestamp>,
    /// Store the text though another note says the same.
    #[serde(default)]
    pub allow_duplicate: bool,
}

/// The answer to a text that was stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentNoteReply {
    /// Always `success`.
    pub status: Cow<'static, str>,
    /// The note.
    pub note_id: NoteId,
    /// The version that the text became.
    pub version: i64,
    /// Always true.
    pub validation_passed: bool,
    /// The note as it is now.
    pub note: NoteOut,
}

/// The `data` of a 422 for a text that breaks rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentNoteRefused {
    /// Always `error`.
    pub status: Cow<'static, str>,
    /// Always `VALIDATION_FAILED`.
    pub error_code: Cow<'static, str>,
    /// The rules, and where they are broken.
    pub validation_errors: Vec<Violation>,
    /// Whether writing the text again can help.
    pub recoverable: bool,
}

/// The body of `POST /v1/agent/feedback`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The note, whose text an agent wrote.
    pub note_id: NoteId,
    /// What the person thinks of it.
    pub rating: Rating,
    /// Why not, for a thumb down.
    #[serde(default)]
    pub reasons: Vec<Reason>,
}

/// A thumb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rating {
    /// Good; takes back what the same person said against it.
    Up,
    /// Bad.
    Down,
}

/// What is bad about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is not true.
    Inaccurate,
    /// It is not in the form that was wanted.
    WrongFormat,
    /// It does not help.
    Unhelpful,
    /// It says too much.
    TooLong,
}

/// The answer to feedback.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FeedbackReply {
    /// Always true.
    pub success: bool,
}

/// The answer to `GET /v1/agent/report`: two windows of the same length, so that one can see what has changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentReport {
    /// From the time that was asked for until now.
    pub window: AgentWindow,
    /// As long a time before that.
    pub before: AgentWindow,
}

/// How agents' writing went in a window of time. A share of nothing is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentWindow {
    /// When it begins.
    pub begins: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// Texts that agents tried to write.
    pub attempts: i64,
    /// Those of them that broke rules.
    pub failed: i64,
    /// Those that became the text of a note.
    pub texts_written: i64,
    /// The share of attempts that broke no rule.
    pub success_rate: Option<f64>,
    /// Failed attempts by the rules that they broke.
    pub failures_by_rule: BTreeMap<String, i64>,
    /// Attempts within ten minutes after a failed one at the same note or title.
    pub retries: i64,
    /// The share of them that broke no rule.
    pub auto_retry_success_rate: Option<f64>,
    /// What people corrected, deleted at once or disliked.
    pub corrections: i64,
    /// That many for each text written.
    pub correction_rate: Option<f64>,
    /// The same by class; `not_compared` are those whose class is not known yet.
    pub corrections_by_type: BTreeMap<String, CorrectionShare>,
}

/// Corrections of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorrectionShare {
    /// How many.
    pub count: i64,
    /// That many for each text written.
    pub rate: Option<f64>,
}
