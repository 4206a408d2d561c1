//! What the engine knows of the folder, and what it wants done there.
//!
//! Every effect names what it expects to find. Whoever carries it out looks again right before, and does nothing if it finds something
//! else: between a look at a folder and a write to it anybody may have saved.

use std::collections::{BTreeMap, BTreeSet};

use noted_shared::domain::{ContentHash, NotePath, Timestamp, Title};

/// A file that can become a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// SHA-256 of its text.
    pub hash: ContentHash,
    /// Its size in bytes.
    pub bytes: u64,
    /// The title that its note would have.
    pub title: Title,
    /// When it was last written, by this machine's clock. Told to the server, never used to decide anything.
    pub modified: Timestamp,
}

/// The folder at one moment.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// Files that can become notes.
    pub files: BTreeMap<NotePath, LocalFile>,
    /// Files that are there and cannot: their notes are neither deleted nor replaced.
    pub unreadable: BTreeSet<NotePath>,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// A text with this hash.
    Text(ContentHash),
    /// Something that is no note's text.
    Unreadable,
}

impl Found {
    /// Whether it is a text with this hash.
    #[must_use]
    pub fn is(self, hash: ContentHash) -> bool {
        self == Self::Text(hash)
    }
}

/// One of the texts of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The file's.
    Ide,
    /// The server's.
    Noted,
    /// The one that both were made from.
    Base,
}

impl Side {
    /// How it is called in the name of a backup.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ide => "ide",
            Self::Noted => "noted",
            Self::Base => "base",
        }
    }
}

/// Something to do in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Put a text at a path.
    Write {
        /// Where.
        path: NotePath,
        /// The text; none if it was kept under its hash, because a conflict refers to it.
        text: Option<String>,
        /// Its hash.
        hash: ContentHash,
        /// What must be there.
        expected: Found,
    },
    /// Remove a file.
    Remove {
        /// Which.
        path: NotePath,
        /// The hash it must have.
        expected: ContentHash,
    },
    /// Move a file to a path where nothing is.
    Move {
        /// From where.
        from: NotePath,
        /// To where.
        to: NotePath,
        /// The hash it must have.
        expected: ContentHash,
    },
    /// Keep a text of a conflict under a name that was never used before. Without a text: that of the file, if there is one.
    Backup {
        /// The path that the conflict is about.
        path: NotePath,
        /// Which of the texts.
        side: Side,
        /// The text.
        text: Option<String>,
    },
}

impl Disk {
    /// What is at each path that is not empty.
    #[must_use]
    pub(super) fn view(&self) -> View {
        let texts = self.files.iter().map(|(path, file)| (path.clone(), Found::Text(file.hash)));
        View(texts.chain(self.unreadable.iter().map(|path| (path.clone(), Found::Unreadable))).collect())
    }
}

/// The folder as the engine believes it to be while it applies what it was told.
#[derive(Clone, Debug, Default)]
pub(super) struct View(BTreeMap<NotePath, Found>);

impl View {
    /// What is at a path.
    pub(super) fn at(&self, path: &NotePath) -> Found {
        self.0.get(path).copied().unwrap_or(Found::Absent)
    }

    /// Takes note of what is at a path.
    pub(super) fn set(&mut self, path: &NotePath, found: Found) {
        if found == Found::Absent {
            self.0.remove(path);
        } else {
            self.0.insert(path.clone(), found);
        }
    }

    /// Takes note of what an effect did.
    pub(super) fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Write { path, hash, .. } => self.set(path, Found::Text(*hash)),
            Effect::Remove { path, .. } => self.set(path, Found::Absent),
            Effect::Move { from, to, expected } => {
                self.set(from, Found::Absent);
                self.set(to, Found::Text(*expected));
            }
            Effect::Backup { .. } => {}
        }
    }
}
