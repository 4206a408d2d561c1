//! What was deleted and can still be brought back.

use crate::domain::{FolderId, NoteId, NotePath, NoteType, OriginId, PlaceCursor, Timestamp, VersionVector};
use serde::{Deserialize, Serialize};

/// The answer to `GET /v1/trash`. `N` is how the page holds its notes: read by clients, passed on as text by the component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrashList<N = Vec<TrashedNote>> {
    /// The notes of this page, the last deleted first.
    pub notes: N,
    /// Whether more follow.
    pub has_more: bool,
    /// Send it as `cursor` to get the next page; absent on the last one.
    pub next_cursor: Option<PlaceCursor>,
}

/// A deleted note. Its text is among its revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashedNote {
    /// Its id.
    pub id: NoteId,
    /// One line.
    pub title: String,
    /// The path that it had; another note may have it meanwhile.
    pub ide_file_path: Option<NotePath>,
    /// The folder that it was in and would come back to.
    pub folder_id: Option<FolderId>,
    /// What kind of note it is.
    pub note_type: NoteType,
    /// The size of its text, in bytes.
    pub content_bytes: i64,
    /// The version of the tombstone.
    pub version: i64,
    /// Its vector.
    pub version_vector: VersionVector,
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// By whom.
    pub deleted_by: OriginId,
    /// Whole days until it can be collected, after which nobody remembers it.
    pub days_left: i64,
}

/// The body of `POST /v1/trash/restore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashRestore {
    /// The notes, each once: 1 to 100.
    pub note_ids: Vec<NoteId>,
    /// The writer; the key itself when absent here and in `X-Sync-Origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_origin_id: Option<OriginId>,
}
