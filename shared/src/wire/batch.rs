//! Many notes in one request.

use super::{NoteIn, NoteOut};
use crate::domain::{IdempotencyKey, NoteId, VersionVector};
use crate::error::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// The body of `POST /v1/ide-sync/batch`, plain or with `Content-Encoding: gzip`: at most 100 notes, and 10 MB once unpacked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BatchIn {
    /// The notes, each on its own terms.
    pub notes: Vec<BatchItem>,
}

/// One note of a batch: a create, or with `note_id` and `version_vector` an update.
///
/// Its idempotency key is shared with the single routes: an item that failed or whose answer was lost can be sent again alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BatchItem {
    /// The note, as for a create.
    #[serde(flatten)]
    pub note: NoteIn,
    /// Names this change over all its retries.
    pub idempotency_key: IdempotencyKey,
    /// The note to update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_id: Option<NoteId>,
    /// The vector of the version that this text was made from; with `note_id` and only with it. A null folder then keeps the note's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_vector: Option<VersionVector>,
}

/// The answer to a batch: 200 when at most a tenth of it failed, and the rest was done; 422 when more failed, and nothing was done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BatchReply {
    /// One for each note, in the order in which they were sent.
    pub results: Vec<BatchResult>,
    /// How it went.
    pub summary: BatchSummary,
}

/// What became of one note of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BatchResult {
    /// Its place in the request, from 0.
    pub idx: usize,
    /// Whether it is done.
    pub success: bool,
    /// The note; only after a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_id: Option<NoteId>,
    /// The note as it is now, without its text; only after a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<NoteOut>,
    /// `created`, `updated`, `unchanged` or `replayed`; only after a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Cow<'static, str>>,
    /// The code of the error that the single route would have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<Cow<'static, str>>,
    /// Its message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Its details, where they are small: those of a conflict hold texts and are given by the single route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl BatchResult {
    /// A note that is done.
    pub fn done(idx: usize, message: &'static str, note: NoteOut) -> Self {
        let (note_id, note, message) = (Some(note.id), Some(note), Some(message.into()));
        Self { idx, success: true, note_id, note, message, error_code: None, error_message: None, details: None }
    }

    /// A note that is not done. The details of its error are given if they are `kept`, and hold no other note's text: for that, send it alone.
    pub fn refused(idx: usize, error: &Error, kept: bool) -> Self {
        let (error_code, error_message) = (Some(error.code().name().into()), Some(error.message().into_owned()));
        let has_text = matches!(error, Error::Conflict(_) | Error::PathTaken(_));
        let details = if kept && !has_text { error.details() } else { None };
        Self { idx, success: false, note_id: None, note: None, message: None, error_code, error_message, details }
    }
}

/// How a batch went. After a 422 nothing was done, and `succeeded` counts what would have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSummary {
    /// Notes sent.
    pub total: usize,
    /// Notes done.
    pub succeeded: usize,
    /// Notes not done.
    pub failed: usize,
}
