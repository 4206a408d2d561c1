//! What it means for this folder that the database was set back to a backup.
//!
//! The server then does not know what this folder has seen. Texts that were acknowledged after the backup may be in this folder and nowhere
//! else: each is sent again, or stands in a conflict, or is kept beside the folder before a file is replaced.

use noted_shared::domain::{NotePath, OriginId};
use noted_shared::wire::ResyncReason;

use super::Engine;
use super::disk::{Effect, Found, Side};
use super::entries::Entry;
use super::pull::{Commit, Deciding, Step};
use super::state::{ConflictKind, State};

/// Of an origin's name, so much is kept when it gets a new ending.
const STEM_BYTES_MAX: usize = 64;

impl State {
    /// Whether the database was set back and not everything was compared with it since.
    pub(super) fn is_restored(&self) -> bool {
        self.resync == Some(ResyncReason::DatabaseRestored)
    }
}

impl Engine {
    /// Takes in that nobody knows what was missed: everything is read again, and compared by text.
    pub fn resync(&mut self, reason: ResyncReason) {
        if reason == ResyncReason::DatabaseRestored {
            self.state.epoch = None;
            // It came from what is lost. A note that has taken its place since is another, whose file would be taken for this one.
            self.state.applying.clear();
            self.is_announced = false;
        }
        // What a restore has undone stays to be found out, whatever else is forgotten meanwhile.
        if !self.state.is_restored() {
            self.state.resync = Some(reason);
        }
        self.state.cursor = None;
        self.walked_to = None;
        self.unsaved = true;
    }

    /// Another key has the old name.
    pub(super) fn begin_new_origin(&mut self) {
        self.keys += 1;
        let stem: String = self.state.origin.as_str().split('.').take(1).flat_map(str::chars).take(STEM_BYTES_MAX).collect();
        let origin = OriginId::parse(&format!("{stem}.{}.{}", self.run, self.keys));
        self.state.origin = origin.unwrap_or_else(|_| unreachable!("a part of an origin, the name of a run and a number are short"));
    }
}

impl Deciding<'_> {
    /// The database does not know what this folder has seen: what the database has becomes the base, and the file is sent again.
    pub(super) fn lost_by_the_server(&self, path: &NotePath) -> Step {
        let forget = Step::default().committing(Commit::Forget(path.clone()));
        let Some(hash) = self.remote.hash else { return forget };
        match self.place_of_known(path) {
            None => forget,
            Some(target) if target == *path || self.is_unused(&target) => Step::agreeing(&target, self.remote.entry(hash)),
            target => self.arrived(&target, hash),
        }
    }

    /// Somebody has written a version that has not seen what this folder has.
    pub(super) fn parted(&self, path: &NotePath, entry: &Entry) -> Step {
        let found = self.view.at(path);
        match self.remote.hash {
            Some(hash) if found.is(hash) => self.placed(path, entry, hash),
            Some(_) if found == Found::Absent => self.open(path, ConflictKind::DeletedHere),
            Some(_) => self.open(path, ConflictKind::EditedBoth),
            None => Step::default().committing(Commit::Forget(path.clone())),
        }
    }

    /// Nothing is at the path and nothing is known of it: a note that is said to be there was moved or deleted here.
    fn is_unused(&self, path: &NotePath) -> bool {
        self.view.at(path) == Found::Absent && self.state.entries.at(path).is_none() && !self.state.conflicts.contains_key(path)
    }
}

impl Step {
    /// The server may not have the texts any more that it has acknowledged, so each is kept before it goes.
    pub(super) fn keeping_what_goes(self) -> Self {
        let keep = |path: &NotePath| Effect::Backup { path: path.clone(), side: Side::Ide, text: None };
        let kept = |effect: Effect| match &effect {
            Effect::Write { path, expected: Found::Text(_), .. } | Effect::Remove { path, .. } => vec![keep(path), effect],
            _ => vec![effect],
        };
        Self { effects: self.effects.into_iter().flat_map(kept).collect(), commits: self.commits }
    }
}
