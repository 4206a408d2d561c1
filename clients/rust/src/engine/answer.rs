//! What an answer to a request means for the folder.

use noted_shared::domain::version_vector::Causality;
use noted_shared::domain::{ContentHash, NoteId, NotePath, VersionVector};

use super::disk::{Effect, Side, View};
use super::entries::Entry;
use super::pull::{Commit, Step, opening};
use super::state::{ConflictKind, FileFacts, Pending, Remote, Request, State};

/// An answer that settles a request, whatever it says. Silence and refusals for the moment are none: the request stays pending.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The note is written.
    Written(Written),
    /// The note is a tombstone.
    Deleted,
    /// The server has a version that the request has not seen, and maybe still knows what both were made from.
    Conflict(Box<Remote>, Option<String>),
    /// Another note has the path.
    PathTaken(Box<Remote>),
    /// The note was deleted. This is the tombstone's version and vector.
    Gone(i64, VersionVector),
    /// There is no such note any more, not even a tombstone.
    NotFound,
    /// The key was used for another request: only a state that was set back by a backup can do that.
    KeyReused,
    /// The request claims to have seen what the database knows nothing of: it was set back to a backup.
    UnknownVersion,
    /// Another key writes under this folder's name.
    OriginTaken,
    /// The request is refused, and would be every time.
    Refused(String),
}

/// A note as the server has it after a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The note.
    pub note_id: NoteId,
    /// Hash of its text.
    pub hash: ContentHash,
    /// The version's number.
    pub version: i64,
    /// The version's vector.
    pub version_vector: VersionVector,
}

/// What to do about the answer to `pending`.
pub(super) fn settle(state: &State, view: &View, pending: &Pending, answer: &Answer) -> Step {
    let path = &pending.path;
    let forget = || Step::default().committing(Commit::Forget(path.clone()));
    match (&pending.request, answer) {
        (Request::Create { file } | Request::Update { file, .. }, Answer::Written(written)) => agree(pending, file, written),
        (Request::Delete { .. }, Answer::Deleted | Answer::Gone(..) | Answer::NotFound) => forget(),
        (Request::Update { from, .. }, Answer::NotFound) => {
            // The file is work that the server does not have any more: it will be a new note.
            let old = from.as_ref().unwrap_or(path);
            forget().committing(Commit::Forget(old.clone()))
        }
        (Request::Create { file }, Answer::PathTaken(theirs)) if theirs.hash == Some(file.hash) => {
            Step::agreeing(path, theirs.entry(file.hash)).with_all(left_behind(state, view, path, theirs))
        }
        (Request::Update { file, .. }, Answer::Conflict(theirs, _))
            if theirs.hash == Some(file.hash) && theirs.path.as_ref() == Some(path) =>
        {
            Step::agreeing(path, theirs.entry(file.hash))
        }
        (_, Answer::PathTaken(theirs)) => {
            opening(path, ConflictKind::CreatedBoth, theirs, None).with_all(left_behind(state, view, path, theirs))
        }
        (Request::Delete { .. }, Answer::Conflict(theirs, _)) => opening(path, ConflictKind::DeletedHere, theirs, None),
        (_, Answer::Conflict(theirs, base)) => opening(path, ConflictKind::EditedBoth, theirs, base.clone()),
        (Request::Update { note_id, file, .. }, Answer::Gone(version, version_vector)) => {
            let tombstone = Remote {
                note_id: *note_id,
                path: Some(path.clone()),
                title: file.title.to_string(),
                hash: None,
                version: *version,
                version_vector: version_vector.clone(),
                text: None,
            };
            opening(path, ConflictKind::DeletedThere, &tombstone, None)
        }
        // What no server says to such a request changes nothing; the next look at the folder asks again.
        _ => Step::default(),
    }
}

fn agree(pending: &Pending, file: &FileFacts, written: &Written) -> Step {
    let Written { note_id, hash, version, version_vector } = written.clone();
    let entry = match &pending.request {
        // The server has brought two texts together. What this folder has seen is still what it sent; the changes tell the rest.
        Request::Update { seen, .. } if hash != file.hash => Entry { note_id, hash: file.hash, version, version_vector: seen.clone() },
        _ => Entry { note_id, hash: file.hash, version, version_vector },
    };
    Step::agreeing(&pending.path, entry)
}

/// The note that has the path was moved there on the server from another file here, which would otherwise be taken for a new one. It is kept
/// once more before it goes: a database that was set back and written to since may not have its text.
fn left_behind(state: &State, view: &View, path: &NotePath, theirs: &Remote) -> Vec<Effect> {
    let Some((old, entry)) = state.entries.of(theirs.note_id).filter(|(old, _)| *old != path) else { return Vec::new() };
    // A version that this folder has seen already moves nothing: then the file has what a restore has taken from the server.
    if entry.version_vector.compare(&theirs.version_vector) != Causality::Dominated || !view.at(old).is(entry.hash) {
        return Vec::new();
    }
    let keep = Effect::Backup { path: old.clone(), side: Side::Ide, text: None };
    vec![keep, Effect::Remove { path: old.clone(), expected: entry.hash }]
}

impl Step {
    fn with_all(mut self, effects: impl IntoIterator<Item = Effect>) -> Self {
        self.effects.extend(effects);
        self
    }

    /// Whether it begins a conflict.
    pub(super) fn opens(&self) -> bool {
        self.commits.iter().any(|commit| matches!(commit, Commit::Open(..)))
    }
}
