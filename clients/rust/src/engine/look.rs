//! What a look at the folder tells before anything is planned: what a crash left unsaid, and what somebody has settled by hand.

use noted_shared::domain::version_vector::Causality;
use noted_shared::domain::{ContentHash, NotePath};

use super::Engine;
use super::disk::Found;
use super::pull::Commit;
use super::state::{Conflict, Remote};

impl Engine {
    /// After a crash: files that came from the server, and that the state did not get to know.
    pub(super) fn take_up_what_arrived(&mut self) {
        let applying = self.state.applying.clone();
        for remote in &applying {
            // Its file is not where it was; or what is there can be another note's, which says the same and has come to that place since.
            let has_left = |old: &NotePath, was: ContentHash| {
                let is_others =
                    |other: &Remote| other.note_id != remote.note_id && other.path.as_ref() == Some(old) && other.hash == Some(was);
                !self.view.at(old).is(was) || applying.iter().any(is_others)
            };
            let (Some(path), Some(hash)) = (&remote.path, remote.hash) else { continue };
            if let Some((old, entry)) = self.state.entries.of(remote.note_id)
                && entry.hash != hash
                && old != path
                && !self.view.at(old).is(entry.hash)
                && self.view.at(path).is(entry.hash)
                && self.state.entries.at(path).is_none_or(|other| other.hash != entry.hash)
            {
                // Moved, and the new text not written yet: it is the note as it was, in its new place.
                self.commit(Commit::Agree(path.clone(), entry.clone()));
                continue;
            }
            let is_news = match (self.state.entries.of(remote.note_id), self.state.entries.at(path)) {
                (None, None) => true,
                (Some((old, entry)), _) if old == path => entry.version_vector.compare(&remote.version_vector) == Causality::Dominated,
                (Some((old, entry)), None) => has_left(old, entry.hash),
                (None, Some(other)) => other.hash != hash,
                // The note whose place it was has made room.
                (Some((old, entry)), Some(other)) => other.hash != hash && has_left(old, entry.hash),
            };
            if is_news && self.view.at(path).is(hash) {
                self.commit(Commit::Agree(path.clone(), remote.entry(hash)));
            }
        }
    }

    /// Conflicts that ended because somebody made the file what the server has, or removed what is gone there too.
    pub(super) fn settle_by_hand(&mut self) {
        let is_settled = |path: &NotePath, conflict: &Conflict| match conflict.theirs.hash {
            Some(hash) => self.view.at(path).is(hash) && conflict.theirs.path.as_ref().is_none_or(|theirs| theirs == path),
            None => self.view.at(path) == Found::Absent,
        };
        let settled: Vec<NotePath> =
            self.state.conflicts.iter().filter(|(path, conflict)| is_settled(path, conflict)).map(|(path, _)| path.clone()).collect();
        for path in settled {
            let theirs = self.state.conflicts[&path].theirs.clone();
            match theirs.hash {
                Some(hash) => self.commit(Commit::Agree(path.clone(), theirs.entry(hash))),
                None => self.commit(Commit::Forget(path.clone())),
            }
        }
    }
}
