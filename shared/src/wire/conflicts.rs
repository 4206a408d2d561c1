//! The conflict log: what stood against what, and how it was settled.

use super::NoteOut;
use crate::domain::{ConflictId, Content, ContentHash, Cursor, NoteId, NotePath, OriginId, Timestamp, VersionVector};
use serde::{Deserialize, Serialize};

/// The answer to `GET /v1/conflicts`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConflictList<C = Vec<ConflictOut>> {
    /// The conflicts of this page, oldest first, without their texts.
    pub conflicts: C,
    /// Whether more follow.
    pub has_more: bool,
    /// Send it as `cursor` to get the next page; absent on the last one.
    pub next_cursor: Option<Cursor>,
}

/// What the sender of one side wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// To replace a text that it had not seen.
    Update,
    /// To delete a text that it had not seen.
    Delete,
    /// To create a note at a path that another one has.
    Create,
}

/// How a conflict was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionStrategy {
    /// The sender's side replaced the server's.
    KeepIde,
    /// The server's side stayed.
    KeepNoted,
    /// A third text, made of both.
    ManualMerge,
    /// Both, as two notes.
    CreateBoth,
    /// Not now.
    Deferred,
}

/// Who settled a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedBy {
    /// Somebody.
    User,
    /// A merge in which no line was changed by both.
    Auto,
}

/// One conflict. The texts are absent in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictOut {
    /// Its id.
    pub id: ConflictId,
    /// The note.
    pub note_id: NoteId,
    /// The note's title as it is now; null when the note is collected.
    pub title: Option<String>,
    /// Its path as it is now; null when it has none, or is collected.
    pub ide_file_path: Option<NotePath>,
    /// What the sender wanted.
    pub kind: ConflictKind,
    /// The sender.
    pub origin: OriginId,
    /// The vector that the sender had seen.
    pub ide_vector: VersionVector,
    /// SHA-256 of the sender's text; null for a delete.
    pub ide_content_sha256: Option<ContentHash>,
    /// The number of the server's version.
    pub noted_version: i64,
    /// Its vector.
    pub noted_vector: VersionVector,
    /// SHA-256 of its text.
    pub noted_content_sha256: ContentHash,
    /// When it was noticed.
    pub detected_at: Timestamp,
    /// The last decision about it; null while there is none.
    pub resolution_strategy: Option<ResolutionStrategy>,
    /// When it was settled; null while it is open or deferred.
    pub resolved_at: Option<Timestamp>,
    /// Who settled it.
    pub resolved_by: Option<ResolvedBy>,
    /// The sender's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ide_version_content: Option<String>,
    /// The server's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted_version_content: Option<String>,
    /// The text that settled it, where it is a third one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_content: Option<String>,
}

/// The body of `POST /v1/conflicts/{id}/resolve`. Send an `Idempotency-Key` header with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Resolution {
    /// How.
    pub strategy: ResolutionStrategy,
    /// Who resolves.
    pub sync_origin_id: OriginId,
    /// A vector that has seen the note as it is now: what came after the conflict is not replaced unseen.
    pub version_vector: VersionVector,
    /// The text, for [`ResolutionStrategy::ManualMerge`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// SHA-256 of `content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_sha256: Option<ContentHash>,
}

/// The answer to a resolution.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConflictResolved {
    /// The conflict.
    pub conflict: ConflictOut,
    /// The note as it is now, with its text; a tombstone if the resolution was to delete it.
    pub note: NoteOut,
    /// The second note, with its text, after [`ResolutionStrategy::CreateBoth`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_note: Option<NoteOut>,
}
