//! Folders: what notes are sorted into.

use crate::domain::{FolderId, FolderName, Timestamp};
use crate::wire::note::present;
use serde::{Deserialize, Serialize};

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderOut {
    /// Its id: the `folder_id` of its notes.
    pub id: FolderId,
    /// The folder that it lies in; null at the top.
    pub parent_id: Option<FolderId>,
    /// What it is called.
    pub name: FolderName,
    /// The names from the top down to its own, with `/` between them.
    pub path: String,
    /// Live notes that lie in it, and not in a folder of it.
    pub live_notes: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it got its name or place.
    pub updated_at: Timestamp,
}

/// The answer to `GET /v1/folders`. `F` is how it holds the folders: read by clients, passed on as text by the component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FolderList<F = Vec<FolderOut>> {
    /// All folders, each after the one that it lies in.
    pub folders: F,
    /// Always true.
    pub success: bool,
}

/// The body of `POST /v1/folders`. Send an `Idempotency-Key` header with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderDraft {
    /// What it shall be called: one segment of a path.
    pub name: FolderName,
    /// The folder to put it in; the top when absent or null.
    #[serde(default)]
    pub parent_id: Option<FolderId>,
}

/// The body of `PATCH /v1/folders/{id}`: what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderPatch {
    /// Another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<FolderName>,
    /// Another place; `Some(None)` (JSON null) is the top.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub parent_id: Option<Option<FolderId>>,
}

/// The answer to what makes or changes a folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FolderReply {
    /// Always true.
    pub success: bool,
    /// The folder as it is now.
    pub folder: FolderOut,
}

/// The answer to `DELETE /v1/folders/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FolderDeleted {
    /// Always true.
    pub success: bool,
    /// Notes that lie in its parent now, or in no folder if it was at the top.
    pub notes_moved: i64,
}

/// What a folder holds, in the details of a 409.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderUse {
    /// Folders.
    pub folders: i64,
    /// Live notes.
    pub live_notes: i64,
}
