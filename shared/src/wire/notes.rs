//! Notes as a resource: what is written through `/v1/notes`, and the versions that can be read back.

use crate::domain::{
    Content, ContentHash, FileMetadata, FolderId, NoteId, NotePath, NoteType, OriginId, PlaceCursor, Timestamp, Title, VersionVector,
};
use crate::wire::note::{Author, present};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The body of `POST /v1/notes`, which makes a note, and of `PUT /v1/notes/{id}`, which replaces everything that one says: what is absent is
/// empty afterwards.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoteDraft {
    /// One line of 1 to 200 characters.
    pub title: Title,
    /// The text, byte for byte; at most 1 MiB of UTF-8.
    pub content: Content,
    /// SHA-256 of `content`; checked where it is sent, else computed.
    pub content_sha256: ContentHash,
    /// What kind of note it is; `user_created` when absent. A note never changes its kind.
    pub note_type: NoteType,
    /// Where its file lies in the synced folder; required for the type `ide_synced`.
    #[serde(default)]
    pub ide_file_path: Option<NotePath>,
    /// The folder it is in.
    #[serde(default)]
    pub folder_id: Option<FolderId>,
    /// What this kind of note records about its source.
    #[serde(default)]
    pub source_metadata: Map<String, Value>,
    /// Facts about the file.
    #[serde(default)]
    pub file_metadata: FileMetadata,
    /// The writer; the key itself when absent here and in `X-Sync-Origin`.
    #[serde(default)]
    pub sync_origin_id: Option<OriginId>,
}

/// The body of `PATCH /v1/notes/{id}`: what is absent stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NotePatch {
    /// A new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// A new text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// SHA-256 of `content`; checked where it is sent, else computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_sha256: Option<ContentHash>,
    /// A new path; null takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub ide_file_path: Option<Option<NotePath>>,
    /// A new folder; null takes the note out of its folder.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub folder_id: Option<Option<FolderId>>,
    /// The note's kind; it cannot be changed, so this only says what the sender takes it for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_type: Option<NoteType>,
    /// New facts about its source, in place of the old ones: those that notes of its kind have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_metadata: Option<Map<String, Value>>,
    /// New tags in its `source_metadata`, whose other facts stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// New facts about the file, in place of the old ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_metadata: Option<FileMetadata>,
    /// The writer; the key itself when absent here and in `X-Sync-Origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_origin_id: Option<OriginId>,
}

/// The answer to `GET /v1/notes/{id}/revisions`. `R` is how the answer holds its revisions: read by clients, passed on as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevisionList<R = Vec<NoteVersion>> {
    /// The older texts that are kept, newest first, without the texts.
    pub revisions: R,
    /// The version that the note has, which is none of them.
    pub current_version: i64,
    /// Whether more follow.
    pub has_more: bool,
    /// Send it as `cursor` to get the next page; absent on the last one.
    pub next_cursor: Option<PlaceCursor>,
}

/// The answer to `GET /v1/notes/{id}/revisions/{version}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevisionReply {
    /// The version, with its text.
    pub revision: NoteVersion,
}

/// A text that a note has or had. A change of the title or path alone keeps no text, so numbers can be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteVersion {
    /// The number of the version.
    pub version_number: i64,
    /// Its title.
    pub title: String,
    /// SHA-256 of its text.
    pub content_sha256: ContentHash,
    /// The size of its text, in bytes.
    pub content_bytes: i64,
    /// Its vector.
    pub version_vector: VersionVector,
    /// Who wrote this text.
    pub created_by: OriginId,
    /// Who wrote it, as the server knows it; null where a release before this one stored it.
    pub author: Option<Author>,
    /// When.
    pub created_at: Timestamp,
    /// The text; absent in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// The answer to `GET /v1/notes/{id}/diff?from=&to=`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionDiff {
    /// The note.
    pub note_id: NoteId,
    /// The one version.
    pub from: i64,
    /// The other one.
    pub to: i64,
    /// A unified diff of their texts; empty when they are equal.
    pub diff: String,
}
