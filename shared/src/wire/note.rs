//! Notes on their way in and out.

use crate::domain::{
    ConflictId, Content, ContentHash, FileMetadata, FolderId, KeyId, NoteId, NotePath, NoteType, OriginId, Timestamp, Title, VersionVector,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The body of `POST /v1/ide-sync/create`. Send an `Idempotency-Key` header with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoteIn {
    /// One line of 1 to 200 characters.
    pub title: Title,
    /// The text, byte for byte; at most 1 MiB of UTF-8.
    pub content: Content,
    /// SHA-256 of `content`.
    pub content_sha256: ContentHash,
    /// Where the file lies in the synced folder. Only notes of type `agent_generated` may lack one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ide_file_path: Option<NotePath>,
    /// When the file was last changed, by its own clock. Kept, never used to decide anything.
    pub ide_last_modified: Timestamp,
    /// The writer. The header `X-Sync-Origin` says the same; one of the two is needed.
    pub sync_origin_id: OriginId,
    /// The folder to put the note in.
    #[serde(default)]
    pub folder_id: Option<FolderId>,
    /// What kind of note it is; `ide_synced` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note_type: Option<NoteType>,
    /// What this kind of note records about its source.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub source_metadata: Map<String, Value>,
    /// Facts about the file.
    #[serde(default, skip_serializing_if = "FileMetadata::is_empty")]
    pub file_metadata: FileMetadata,
}

/// The body of `PUT /v1/ide-sync/update/{id}`. Send an `Idempotency-Key` header with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoteUpdate {
    /// The new text.
    pub content: Content,
    /// SHA-256 of `content`.
    pub content_sha256: ContentHash,
    /// When the file was last changed, by its own clock.
    pub ide_last_modified: Timestamp,
    /// The writer.
    pub sync_origin_id: OriginId,
    /// The vector of the version that this text was made from, as the server last gave it.
    pub version_vector: VersionVector,
    /// A new title; absent keeps the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// A new path (the file was renamed); absent keeps the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ide_file_path: Option<NotePath>,
    /// A new folder; `Some(None)` (JSON null) takes the note out of its folder, absent keeps it where it is.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub folder_id: Option<Option<FolderId>>,
    /// New facts about the file, in place of the old ones; absent keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_metadata: Option<FileMetadata>,
    /// Refuse the update unless the note was last changed exactly then; an extra condition, besides the vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_known_updated_at: Option<Timestamp>,
    /// Replace a version that this text was not made from, on purpose: what is replaced stays in the conflict log and the revisions. The
    /// vector must still have seen that version, so that a third writer's edit is not replaced unseen. Also brings back a deleted note.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force_overwrite: bool,
    /// What to do when the two texts were made side by side; absent, the conflict is reported with a proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergeMode>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What an update may do about a text that was made side by side with its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMode {
    /// Bring the two together where no line was changed by both; report the conflict otherwise.
    Auto,
}

/// Tells `null` from absent.
pub(super) fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

impl NoteIn {
    /// Takes the text out, which is large and goes its own way.
    pub fn take_content(&mut self) -> String {
        std::mem::take(&mut self.content).into_string()
    }
}

impl NoteUpdate {
    /// Takes the text out, which is large and goes its own way.
    pub fn take_content(&mut self) -> String {
        std::mem::take(&mut self.content).into_string()
    }
}

/// Who wrote a text, as the server knows it and not as the writer calls itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The key.
    pub key_id: KeyId,
    /// The kind of the key; `agent` where a person's key wrote for an agent.
    pub kind: String,
    /// The model that wrote it, if it was one and it was told.
    pub model: Option<String>,
}

/// A note as the server has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoteOut {
    /// The note's id.
    pub id: NoteId,
    /// One line.
    pub title: String,
    /// SHA-256 of the text.
    pub content_sha256: ContentHash,
    /// What kind of note it is.
    pub note_type: NoteType,
    /// What this kind records about its source.
    pub source_metadata: Map<String, Value>,
    /// Facts about the file.
    pub file_metadata: FileMetadata,
    /// Whether the note is a file of an editor's folder.
    pub synced_from_ide: bool,
    /// Where the file lies in the synced folder.
    pub ide_file_path: Option<NotePath>,
    /// When the file was last changed, by its own clock.
    pub ide_last_modified: Option<Timestamp>,
    /// When an editor last sent this note.
    pub last_ide_sync_at: Option<Timestamp>,
    /// The folder it is in.
    pub folder_id: Option<FolderId>,
    /// Counts the changes of this note; the value of `ETag` and `If-Match`.
    pub version: i64,
    /// What this version contains; send it back with the next update.
    pub version_vector: VersionVector,
    /// The place of this version among all changes of the workspace.
    pub seq: i64,
    /// Who wrote this version.
    pub last_sync_origin_id: OriginId,
    /// Who wrote the text; null where a release before this one stored it.
    pub author: Option<Author>,
    /// When the note was created.
    pub created_at: Timestamp,
    /// When this version was written.
    pub updated_at: Timestamp,
    /// The text; absent in a list asked for with `include_content=false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// How far its embedding is: `pending`, `in_progress`, `completed` or `failed_permanently`. Told where one note is read or made, and nowhere if
    /// the workspace wants no embeddings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding_status: Option<String>,
    /// What was wrong at the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding_error: Option<String>,
}

/// The answer to a create or an update.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoteReply {
    /// Always true.
    pub success: bool,
    /// The note as it is now.
    pub note: NoteOut,
}

/// The answer to a delete.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoteDeleted {
    /// Always true.
    pub success: bool,
    /// `Note {id} deleted successfully`.
    pub message: String,
    /// When it was first deleted.
    pub deleted_at: Timestamp,
}

/// When a note was deleted.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Deletion {
    /// When it was first deleted.
    pub deleted_at: Timestamp,
}

impl NoteDeleted {
    /// The answer for a note that is a tombstone now.
    pub fn new(note_id: NoteId, deletion: Deletion) -> Self {
        Self { success: true, message: format!("Note {note_id} deleted successfully"), deleted_at: deletion.deleted_at }
    }
}

/// The details of a 409 on update or delete: the two versions were made side by side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Conflict {
    /// Always true: somebody or something must bring the two together and send the result with both vectors merged.
    pub conflict_resolution_required: bool,
    /// The vector that was sent.
    pub local_vector: VersionVector,
    /// The vector that the server has.
    pub remote_vector: VersionVector,
    /// The file's own time, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ide_timestamp: Option<Timestamp>,
    /// When the server's version was written.
    pub noted_timestamp: Timestamp,
    /// The server's version, whole.
    pub noted_version: NotedVersion,
    /// Its entry in the conflict log, to be resolved there or by an update that has seen both vectors.
    pub conflict_id: ConflictId,
    /// The last version that both sides know; absent when it is not kept any more, or the sender named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseVersion>,
    /// The two texts brought together; absent without a base, and for a delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<MergeProposal>,
}

/// The version that two sides of a conflict have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseVersion {
    /// Its number.
    pub version: i64,
    /// Its vector.
    pub version_vector: VersionVector,
    /// Its text.
    pub content: String,
    /// SHA-256 of its text.
    pub content_sha256: ContentHash,
}

/// Two texts brought together on the base that they have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeProposal {
    /// Whether no line was changed by both. Otherwise the text holds both, between `<<<<<<< IDE`, `=======` and `>>>>>>> Noted`.
    pub clean: bool,
    /// The text.
    pub content: String,
    /// SHA-256 of the text.
    pub content_sha256: ContentHash,
}

/// The details of a 410 on a note: it was deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gone {
    /// When.
    pub deleted_at: Timestamp,
    /// By whom.
    pub deleted_by: OriginId,
    /// The version of the tombstone.
    pub version: i64,
    /// Its vector: an update that has seen it and says `force_overwrite` brings the note back.
    pub version_vector: VersionVector,
    /// The entry in the conflict log, if the request was an editor's change that had not seen the deletion.
    pub conflict_id: Option<ConflictId>,
}

/// What the database knows of a conflict.
#[derive(Clone, Debug, Deserialize)]
pub struct ConflictFound {
    /// The server's version, whole.
    pub noted_version: NotedVersion,
    /// Its entry in the conflict log.
    pub conflict_id: ConflictId,
    /// The last version that both sides know.
    pub base: Option<BaseVersion>,
}

impl Conflict {
    /// What a sender and the server know of each other's versions.
    pub fn new(local_vector: VersionVector, ide_timestamp: Option<Timestamp>, found: ConflictFound, merge: Option<MergeProposal>) -> Self {
        let ConflictFound { noted_version, conflict_id, base } = found;
        Self {
            conflict_resolution_required: true,
            local_vector,
            remote_vector: noted_version.version_vector.clone(),
            ide_timestamp,
            noted_timestamp: noted_version.updated_at,
            noted_version,
            conflict_id,
            base,
            merge,
        }
    }
}

/// The server's version of a note that a request stood in conflict with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NotedVersion {
    /// Its id.
    pub id: NoteId,
    /// Its title; null for a key that may not read.
    pub title: Option<String>,
    /// Its text; null for a key that may not read.
    pub content: Option<String>,
    /// SHA-256 of its text; null for a key that may not read.
    pub content_sha256: Option<ContentHash>,
    /// Its path.
    pub ide_file_path: Option<NotePath>,
    /// Its number, the value of `ETag` and `If-Match`.
    pub version: i64,
    /// Its vector.
    pub version_vector: VersionVector,
    /// When the note was created.
    pub created_at: Timestamp,
    /// When this version was written.
    pub updated_at: Timestamp,
}

/// The details of a 409 on create, or on an update that renames: another live note has the path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PathTaken {
    /// Whether that note has exactly the text that was sent: then a client can take it over (id, version, vector) without a merge.
    pub identical: bool,
    /// That note.
    pub noted_version: NotedVersion,
    /// The entry in the conflict log, if two notes were made side by side with different texts.
    pub conflict_id: Option<ConflictId>,
}

/// The details of a 412: `If-Match` named another version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VersionMismatch {
    /// The version that the note has.
    pub version: i64,
    /// Its vector.
    pub version_vector: VersionVector,
}
