//! Which file is which note: found by path and by note, and never two of either.

use std::collections::{BTreeMap, HashMap};

use noted_shared::domain::{ContentHash, NoteId, NotePath, VersionVector};
use serde::{Deserialize, Serialize};

/// A note as it was when both sides last agreed on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The note.
    pub note_id: NoteId,
    /// Hash of the text that both had.
    pub hash: ContentHash,
    /// The version's number.
    pub version: i64,
    /// The version's vector.
    pub version_vector: VersionVector,
}

/// The notes of a folder by the path that they have in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<NotePath, Entry>", into = "BTreeMap<NotePath, Entry>")]
pub struct Entries {
    by_path: BTreeMap<NotePath, Entry>,
    by_note: HashMap<NoteId, NotePath>,
}

impl Entries {
    /// The note at a path.
    #[must_use]
    pub fn at(&self, path: &NotePath) -> Option<&Entry> {
        self.by_path.get(path)
    }

    /// Where a note is, and what is known of it.
    #[must_use]
    pub fn of(&self, note_id: NoteId) -> Option<(&NotePath, &Entry)> {
        self.by_path.get_key_value(self.by_note.get(&note_id)?)
    }

    /// All of them, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&NotePath, &Entry)> {
        self.by_path.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_path.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_path.is_empty()
    }

    /// Puts a note at a path, and nowhere else. Answers the other note that was there.
    pub(super) fn put(&mut self, path: &NotePath, entry: Entry) -> Option<Entry> {
        let note_id = entry.note_id;
        self.remove_note(note_id);
        let ousted = self.remove(path);
        self.by_note.insert(note_id, path.clone());
        self.by_path.insert(path.clone(), entry);
        ousted
    }

    /// Forgets the note at a path.
    pub(super) fn remove(&mut self, path: &NotePath) -> Option<Entry> {
        let entry = self.by_path.remove(path)?;
        self.by_note.remove(&entry.note_id);
        Some(entry)
    }

    /// Forgets a note, wherever it is.
    pub(super) fn remove_note(&mut self, note_id: NoteId) -> Option<Entry> {
        let path = self.by_note.remove(&note_id)?;
        self.by_path.remove(&path)
    }
}

impl From<BTreeMap<NotePath, Entry>> for Entries {
    fn from(by_path: BTreeMap<NotePath, Entry>) -> Self {
        let by_note = by_path.iter().map(|(path, entry)| (entry.note_id, path.clone())).collect();
        Self { by_path, by_note }
    }
}

impl From<Entries> for BTreeMap<NotePath, Entry> {
    fn from(entries: Entries) -> Self {
        entries.by_path
    }
}
