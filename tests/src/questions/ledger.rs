//! What every note of a workspace said, and from when to when.
//!
//! Nobody sees the instant at which the server does a write: it lies between sending it and its answer. So a version may have been live from
//! the sending of its write to the answer of the next one, and it must have been live from its own answer to the sending of the next.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use uuid::Uuid;

use super::text::Text;

/// A note at one of its versions.
#[derive(Clone, Debug)]
pub(super) struct Version {
    /// Its number on the wire.
    pub(super) number: i64,
    /// Whether it is no tombstone.
    pub(super) is_live: bool,
    pub(super) title: String,
    pub(super) path: Option<String>,
    pub(super) folder: Option<Uuid>,
    pub(super) kind: &'static str,
    pub(super) text: Text,
    /// The word that only this title has.
    pub(super) title_word: String,
    /// Whether whoever wrote it sent all that is searched. Otherwise its words are found when the worker has been there.
    pub(super) is_found_at_once: bool,
    pub(super) sent: Instant,
    pub(super) answered: Option<Instant>,
}

/// The time between a question and its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) asked: Instant,
    pub(super) answered: Instant,
}

/// All versions of all notes of one workspace.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    notes: Mutex<HashMap<Uuid, Vec<Version>>>,
    /// Held by whoever creates a note until its id is here: an answer may name a note before its writer hears of it.
    pub(super) creating: tokio::sync::RwLock<()>,
}

impl Version {
    /// What is about to be written.
    pub(super) fn new(title: (String, String), text: Text, path: Option<String>, folder: Option<Uuid>) -> Self {
        let kind = if path.is_some() { "ide_synced" } else { "user_created" };
        let (title, title_word) = title;
        let sent = Instant::now();
        Self { number: 1, is_live: true, title, path, folder, kind, text, title_word, is_found_at_once: true, sent, answered: None }
    }

    /// The words that only this note has.
    pub(super) fn words(&self) -> Vec<String> {
        let file = self.path.as_deref().and_then(|path| path.rsplit('/').next()?.strip_suffix(".md"));
        self.text.words().chain([self.title_word.as_str()]).chain(file).map(str::to_owned).collect()
    }
}

impl Ledger {
    fn notes(&self) -> MutexGuard<'_, HashMap<Uuid, Vec<Version>>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A note that was created.
    pub(super) fn created(&self, note: Uuid, version: Version) {
        self.notes().insert(note, vec![Version { answered: Some(Instant::now()), ..version }]);
    }

    /// A write that is about to be sent.
    pub(super) fn sending(&self, note: Uuid, version: Version) {
        let mut notes = self.notes();
        // While nobody else looks: whoever looks after an answer sees every write that was sent before it.
        notes.entry(note).or_default().push(Version { sent: Instant::now(), answered: None, ..version });
    }

    /// The last write of a note was answered.
    pub(super) fn answered(&self, note: Uuid) {
        if let Some(last) = self.notes().get_mut(&note).and_then(|versions| versions.last_mut()) {
            last.answered = Some(Instant::now());
        }
    }

    /// The last version of a note.
    pub(super) fn last(&self, note: Uuid) -> Result<Version> {
        self.notes().get(&note).and_then(|versions| versions.last().cloned()).context("a note without a version")
    }

    /// The last live version whose text an edit has taken away, among the last few.
    pub(super) fn replaced(&self, note: Uuid) -> Option<Version> {
        let notes = self.notes();
        let versions = notes.get(&note)?;
        let edits = versions.windows(2).rev().take(6).find(|pair| pair[0].is_live && pair[1].is_live && pair[0].text != pair[1].text)?;
        Some(edits[0].clone())
    }

    /// Every note and its last version.
    pub(super) fn all(&self) -> Vec<(Uuid, Version)> {
        self.notes().iter().filter_map(|(note, versions)| Some((*note, versions.last()?.clone()))).collect()
    }

    /// Every word that was ever written in one note alone.
    pub(super) fn words(&self) -> Vec<String> {
        self.notes().values().flatten().flat_map(Version::words).collect()
    }

    pub(super) fn has(&self, note: Uuid) -> bool {
        self.notes().contains_key(&note)
    }

    /// The version with this number, if it may have been live at some instant of the window.
    ///
    /// # Errors
    /// What is wrong with showing it.
    pub(super) fn seen(&self, note: Uuid, number: i64, window: Window) -> Result<Version> {
        let notes = self.notes();
        let versions = notes.get(&note).context("a note that nobody wrote")?;
        let place = versions.iter().position(|version| version.number == number);
        let place = place.with_context(|| format!("a version of it that there never was, {number}"))?;
        let version = &versions[place];
        ensure!(version.is_live, "a deleted note");
        ensure!(version.sent <= window.answered, "a version that was not yet sent");
        let gone = versions.get(place + 1).and_then(|next| next.answered);
        let gone_before = gone.map(|gone| window.asked.saturating_duration_since(gone)).filter(|before| !before.is_zero());
        if let Some(before) = gone_before {
            let became = if versions[place + 1].is_live { "replaced" } else { "deleted" };
            anyhow::bail!("what was {became} {before:?} before the question was asked");
        }
        Ok(version.clone())
    }

    /// The notes that have this word at every instant of the window, and were found by it before.
    pub(super) fn must_be_found(&self, word: &str, window: Window) -> Vec<Uuid> {
        let is_sure = |versions: &[Version]| {
            (0..versions.len()).any(|place| {
                let version = &versions[place];
                version.is_live
                    && version.is_found_at_once
                    && version.answered.is_some_and(|answered| answered <= window.asked)
                    && versions.get(place + 1).is_none_or(|next| next.sent >= window.answered)
                    && version.words().iter().any(|own| own == word)
            })
        };
        self.notes().iter().filter(|(_, versions)| is_sure(versions)).map(|(note, _)| *note).collect()
    }
}
