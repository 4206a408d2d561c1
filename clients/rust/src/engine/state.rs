//! What survives a crash: where folder and server last agreed, what was decided and not yet acknowledged, and what stands open.

use std::collections::BTreeMap;

use noted_shared::domain::{
    ChangeCursor, ContentHash, EpochId, IdempotencyKey, NoteId, NotePath, OriginId, Timestamp, Title, VersionVector,
};
use noted_shared::wire::{Change, NotedVersion, ResyncReason};
use serde::{Deserialize, Serialize};

use super::entries::{Entries, Entry};

/// Everything that is remembered about one folder and one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// The server.
    pub server: String,
    /// The name under which this folder writes.
    pub origin: OriginId,
    /// How far the changes were followed; none before the first time and during a resync.
    pub cursor: Option<ChangeCursor>,
    /// Which life of the database that was. A restore begins another; without a place in the feed, this is how it is noticed.
    #[serde(default)]
    pub epoch: Option<EpochId>,
    /// Notes and files as they were when both sides last agreed.
    pub entries: Entries,
    /// Requests whose outcome is unknown, in the order in which they were decided.
    pub pending: Vec<Pending>,
    /// Paths that nobody touches until somebody decides.
    pub conflicts: BTreeMap<NotePath, Conflict>,
    /// What is being written to the folder. A crash can have left the folder ahead of this state: a file that is found with such a text came
    /// from the server, and the server is asked before the folder is believed.
    #[serde(default)]
    pub applying: Vec<Remote>,
    /// Something was in the way that other changes will have moved: the changes are read from the beginning once more.
    #[serde(default)]
    pub walk_again: bool,
    /// The server has said that nobody knows what was missed; stays until all changes were read again.
    #[serde(default)]
    pub resync: Option<ResyncReason>,
}

/// A request that was decided, with everything that it says: repeated after a crash, it is the same request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Names it over all its retries.
    pub key: IdempotencyKey,
    /// The path that it is about.
    pub path: NotePath,
    /// What it asks for.
    pub request: Request,
}

/// What a request asks for. Texts are kept under their hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// To make a note from a file.
    Create {
        /// The file.
        file: FileFacts,
    },
    /// To replace a note's text, or to move it.
    Update {
        /// The note.
        note_id: NoteId,
        /// The vector of the version that the text was made from.
        seen: VersionVector,
        /// The file.
        file: FileFacts,
        /// Somebody has decided: replace what the vector has seen, also a tombstone.
        decided: bool,
        /// The server may bring two texts together if no line was changed by both.
        merge: bool,
        /// Where the file was when both sides last agreed, if it has moved.
        from: Option<NotePath>,
    },
    /// To turn a note into a tombstone.
    Delete {
        /// The note.
        note_id: NoteId,
        /// The vector of the version that was there.
        seen: VersionVector,
    },
}

/// What a request says of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Hash of its text.
    pub hash: ContentHash,
    /// Its note's title.
    pub title: Title,
    /// When it was last written, by this machine's clock.
    pub modified: Timestamp,
}

impl Request {
    /// The text that the request carries.
    #[must_use]
    pub fn text(&self) -> Option<ContentHash> {
        match self {
            Self::Create { file } | Self::Update { file, .. } => Some(file.hash),
            Self::Delete { .. } => None,
        }
    }

    /// The note that it is about; none that is known yet for a new one.
    #[must_use]
    pub fn note_id(&self) -> Option<NoteId> {
        match self {
            Self::Create { .. } => None,
            Self::Update { note_id, .. } | Self::Delete { note_id, .. } => Some(*note_id),
        }
    }
}

/// Two versions of one path that were made side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// What stands against what.
    pub kind: ConflictKind,
    /// The server's side.
    pub theirs: Remote,
    /// Somebody has said: later.
    #[serde(default)]
    pub deferred: bool,
}

/// What stands against what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// Changed here and on the server.
    EditedBoth,
    /// Deleted here, changed on the server.
    DeletedHere,
    /// Changed here, deleted on the server.
    DeletedThere,
    /// Two notes of one path.
    CreatedBoth,
    /// The server's version cannot be written to this folder.
    CannotBeWritten,
}

impl ConflictKind {
    /// A sentence for the person at the terminal.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::EditedBoth => "changed here and on the server",
            Self::DeletedHere => "deleted here, changed on the server",
            Self::DeletedThere => "changed here, deleted on the server",
            Self::CreatedBoth => "the server has another note of this name",
            Self::CannotBeWritten => "the server's version cannot be written to this folder",
        }
    }
}

/// The server's version of a note.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remote {
    /// The note.
    pub note_id: NoteId,
    /// Its path there.
    pub path: Option<NotePath>,
    /// Its title.
    pub title: String,
    /// Hash of its text; none for a tombstone.
    pub hash: Option<ContentHash>,
    /// The version's number.
    pub version: i64,
    /// The version's vector.
    pub version_vector: VersionVector,
    /// Its text, on the way to the disk; never part of the state.
    #[serde(skip)]
    pub text: Option<String>,
}

impl From<Change> for Remote {
    fn from(Change { note, deleted_at, .. }: Change) -> Self {
        Self {
            note_id: note.id,
            path: note.ide_file_path,
            title: note.title,
            hash: deleted_at.is_none().then_some(note.content_sha256),
            version: note.version,
            version_vector: note.version_vector,
            text: note.content,
        }
    }
}

impl Remote {
    /// The version that a request stood in conflict with; none if the key may not read it, and so cannot sync.
    #[must_use]
    pub fn of_refusal(noted: NotedVersion) -> Option<Self> {
        Some(Self {
            note_id: noted.id,
            path: noted.ide_file_path,
            title: noted.title?,
            hash: Some(noted.content_sha256?),
            version: noted.version,
            version_vector: noted.version_vector,
            text: Some(noted.content?),
        })
    }
}

impl Remote {
    /// What to remember once a file with the text `hash` agrees with it.
    pub(super) fn entry(&self, hash: ContentHash) -> Entry {
        Entry { note_id: self.note_id, hash, version: self.version, version_vector: self.version_vector.clone() }
    }
}

impl State {
    /// Of a folder that was never synced with the server.
    #[must_use]
    pub fn new(server: &str, origin: OriginId) -> Self {
        Self {
            server: server.to_owned(),
            origin,
            cursor: None,
            epoch: None,
            entries: Entries::default(),
            pending: Vec::new(),
            conflicts: BTreeMap::new(),
            applying: Vec::new(),
            walk_again: false,
            resync: None,
        }
    }

    /// Hashes of the texts that must be kept: of requests that may have to be repeated, and of conflicts.
    pub fn texts(&self) -> impl Iterator<Item = ContentHash> {
        let requests = self.pending.iter().filter_map(|pending| pending.request.text());
        requests.chain(self.conflicts.values().filter_map(|conflict| conflict.theirs.hash))
    }

    /// The path whose conflict is about the note.
    pub(super) fn conflict_of(&self, note_id: NoteId) -> Option<&NotePath> {
        self.conflicts.iter().find(|(_, conflict)| conflict.theirs.note_id == note_id).map(|(path, _)| path)
    }
}
