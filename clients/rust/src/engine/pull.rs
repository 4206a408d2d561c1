//! What a change on the server means for this folder.
//!
//! Vectors say whether it is news, hashes whether anything differs. A file is replaced, moved or removed only if its text is the one that
//! both sides last agreed on; every other difference is a conflict, in which both texts are kept and the file stays as it is.

use std::path::Path;

use noted_shared::domain::version_vector::Causality;
use noted_shared::domain::{ContentHash, NotePath};

use super::disk::{Effect, Found, Side, View};
use super::entries::Entry;
use super::state::{Conflict, ConflictKind, Remote, State};

/// What to do about one change: first on the disk, then, if all of that was done, in the state.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) effects: Vec<Effect>,
    pub(super) commits: Vec<Commit>,
}

/// A change of the state.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Commit {
    /// Both sides agree that this note is this file.
    Agree(NotePath, Entry),
    /// What is at this path is no note that this folder knows, and nothing stands open about it.
    Forget(NotePath),
    /// A conflict begins, or what stands on the server's side of it is newer.
    Open(NotePath, Conflict),
    /// Something is in the way that other changes will move: read all of them once more.
    WalkAgain,
}

/// The decision about one change.
pub(super) fn decide(state: &State, view: &View, remote: &Remote) -> Step {
    let step = Deciding { state, view, remote }.step();
    if state.is_restored() { step.keeping_what_goes() } else { step }
}

impl Step {
    /// Whether it cannot be done without the text of the change.
    pub(super) fn needs_text(&self) -> bool {
        let is_without =
            |effect: &Effect| matches!(effect, Effect::Write { text: None, .. } | Effect::Backup { text: None, side: Side::Noted, .. });
        self.effects.iter().any(is_without)
    }
}

pub(super) struct Deciding<'a> {
    pub(super) state: &'a State,
    pub(super) view: &'a View,
    pub(super) remote: &'a Remote,
}

impl Deciding<'_> {
    fn step(&self) -> Step {
        if let Some(path) = self.state.conflict_of(self.remote.note_id) {
            return self.in_conflict(path);
        }
        let known = self.state.entries.of(self.remote.note_id);
        if let Some((path, entry)) = known {
            match self.remote.version_vector.compare(&entry.version_vector) {
                Causality::Equal if self.state.is_restored() && self.remote.hash != Some(entry.hash) => return self.parted(path, entry),
                Causality::Dominated if self.state.is_restored() => return self.lost_by_the_server(path),
                Causality::Equal | Causality::Dominated => return Step::default(),
                Causality::Concurrent => return self.parted(path, entry),
                Causality::Dominates => {}
            }
        }
        match (known, self.remote.hash) {
            (None, None) => Step::default(),
            (Some((path, entry)), None) => self.deleted(path, entry),
            (None, Some(hash)) => self.arrived(&self.place_for_new(), hash),
            (Some((path, entry)), Some(hash)) => self.placed(path, entry, hash),
        }
    }

    /// The note is where the server has it, with the server's text.
    pub(super) fn placed(&self, path: &NotePath, entry: &Entry, hash: ContentHash) -> Step {
        match self.place_of_known(path) {
            Some(target) if target == *path => self.changed(path, entry, hash),
            Some(target) => self.moved(path, &target, entry, hash),
            None => self.deleted(path, entry),
        }
    }

    /// Where a note that this folder does not have is to be put; none if its path means nothing here.
    fn place_for_new(&self) -> Option<NotePath> {
        match &self.remote.path {
            Some(path) => is_synced(path).then(|| path.clone()),
            None => self.free_name(),
        }
    }

    pub(super) fn place_of_known(&self, path: &NotePath) -> Option<NotePath> {
        match &self.remote.path {
            Some(path) => is_synced(path).then(|| path.clone()),
            None => Some(path.clone()),
        }
    }

    /// A note without a path gets a name from its title, which stays its own from then on.
    fn free_name(&self) -> Option<NotePath> {
        let slug = slug(&self.remote.title);
        let names = (1..1000).map(|number| if number == 1 { format!("{slug}.md") } else { format!("{slug}-{number}.md") });
        let is_free = |path: &NotePath| {
            let found = self.view.at(path);
            let is_same = self.remote.hash.is_some_and(|hash| found.is(hash));
            (found == Found::Absent || is_same) && self.state.entries.at(path).is_none() && !self.state.conflicts.contains_key(path)
        };
        names.filter_map(|name| NotePath::parse(&name).ok()).find(is_free)
    }

    /// A note that this folder does not have.
    pub(super) fn arrived(&self, place: &Option<NotePath>, hash: ContentHash) -> Step {
        let Some(path) = place else { return Step::default() };
        match self.clear(path, None) {
            Room::Free => self.arrived_free(path, hash),
            Room::Taken(found) if found.is(hash) => Step::agreeing(path, self.remote.entry(hash)),
            Room::Taken(_) => self.open(path, ConflictKind::CreatedBoth),
            Room::Clean(found) => self.arrived_free(path, hash).after(Effect::Remove { path: path.clone(), expected: found }),
            Room::Disputed => self.take_over_conflict(path, hash),
            Room::Busy => Step::walking_again(),
        }
    }

    fn arrived_free(&self, path: &NotePath, hash: ContentHash) -> Step {
        Step::agreeing(path, self.remote.entry(hash)).with(self.write(path, hash, Found::Absent))
    }

    /// The same path, another version.
    fn changed(&self, path: &NotePath, entry: &Entry, hash: ContentHash) -> Step {
        let found = self.view.at(path);
        let agreeing = Step::agreeing(path, self.remote.entry(hash));
        if found.is(hash) {
            agreeing
        } else if found.is(entry.hash) {
            agreeing.with(self.write(path, hash, found))
        } else if found == Found::Absent {
            self.open(path, ConflictKind::DeletedHere)
        } else {
            self.open(path, ConflictKind::EditedBoth)
        }
    }

    /// Another path, and maybe another text.
    fn moved(&self, from: &NotePath, to: &NotePath, entry: &Entry, hash: ContentHash) -> Step {
        let here = match self.view.at(from) {
            Found::Text(here) if here == entry.hash || here == hash => here,
            Found::Absent => return self.moved_without_file(from, to, entry, hash),
            _ => return self.open(from, ConflictKind::EditedBoth),
        };
        let agreeing = Step::agreeing(to, self.remote.entry(hash));
        let remove = || Effect::Remove { path: from.clone(), expected: here };
        let rename = || Effect::Move { from: from.clone(), to: to.clone(), expected: here };
        let write = || (here != hash).then(|| self.write(to, hash, Found::Text(here)));
        match self.clear(to, Some(from)) {
            Room::Free => agreeing.with(rename()).with_some(write()),
            Room::Clean(found) => agreeing.with(Effect::Remove { path: to.clone(), expected: found }).with(rename()).with_some(write()),
            Room::Taken(found) if found.is(hash) => agreeing.with(remove()),
            Room::Taken(_) => self.open(to, ConflictKind::CreatedBoth).with(remove()),
            Room::Disputed => self.take_over_conflict(to, hash).with(remove()),
            Room::Busy => Step::walking_again(),
        }
    }

    /// The file is not where it was: a crash came after the move, somebody made the same move, or it was deleted here.
    fn moved_without_file(&self, from: &NotePath, to: &NotePath, entry: &Entry, hash: ContentHash) -> Step {
        let found = self.view.at(to);
        let is_unknown = self.state.entries.at(to).is_none() && !self.state.conflicts.contains_key(to);
        if is_unknown && found.is(hash) {
            Step::agreeing(to, self.remote.entry(hash))
        } else if is_unknown && found.is(entry.hash) {
            Step::agreeing(to, self.remote.entry(hash)).with(self.write(to, hash, found))
        } else {
            self.open(from, ConflictKind::DeletedHere)
        }
    }

    fn deleted(&self, path: &NotePath, entry: &Entry) -> Step {
        let forget = Step::default().committing(Commit::Forget(path.clone()));
        match self.view.at(path) {
            Found::Absent => forget,
            Found::Text(here) if here == entry.hash => forget.with(Effect::Remove { path: path.clone(), expected: here }),
            _ => self.open(path, ConflictKind::DeletedThere),
        }
    }

    /// The path stays as it is; what the server has is kept beside it.
    fn in_conflict(&self, path: &NotePath) -> Step {
        let conflict = &self.state.conflicts[path];
        let found = self.view.at(path);
        let is_news = match conflict.theirs.version_vector.compare(&self.remote.version_vector) {
            Causality::Dominated => true,
            // Then what the database has is what counts, and a vector alone does not tell which text it is.
            _ if self.state.is_restored() => {
                (&conflict.theirs.version_vector, conflict.theirs.hash) != (&self.remote.version_vector, self.remote.hash)
            }
            _ => false,
        };
        match self.remote.hash {
            _ if !is_news && conflict.theirs.version_vector != self.remote.version_vector => Step::default(),
            Some(hash) if found.is(hash) && self.remote.path.as_ref().is_none_or(|theirs| theirs == path) => {
                Step::agreeing(path, self.remote.entry(hash))
            }
            None if found == Found::Absent => Step::default().committing(Commit::Forget(path.clone())),
            _ if !is_news => Step::default(),
            hash => {
                let kind = match (hash, found) {
                    (None, _) => ConflictKind::DeletedThere,
                    (Some(_), Found::Absent) => ConflictKind::DeletedHere,
                    _ if conflict.kind == ConflictKind::DeletedThere => ConflictKind::EditedBoth,
                    _ => conflict.kind,
                };
                let backup = (hash.is_some() && hash != conflict.theirs.hash).then(|| self.keep_theirs(path));
                let theirs = Remote { text: None, ..self.remote.clone() };
                let conflict = Conflict { kind, theirs, deferred: conflict.deferred };
                Step { effects: Vec::from_iter(backup), commits: vec![Commit::Open(path.clone(), conflict)] }
            }
        }
    }

    /// Another note has the path of a conflict now.
    fn take_over_conflict(&self, path: &NotePath, hash: ContentHash) -> Step {
        match self.view.at(path) {
            Found::Absent => self.arrived_free(path, hash),
            found if found.is(hash) => Step::agreeing(path, self.remote.entry(hash)),
            _ => self.open(path, ConflictKind::CreatedBoth),
        }
    }

    /// Whether a note can be put at a path.
    fn clear(&self, path: &NotePath, own: Option<&NotePath>) -> Room {
        if self.state.conflicts.contains_key(path) {
            return Room::Disputed;
        }
        let found = self.view.at(path);
        match self.state.entries.at(path).filter(|_| own != Some(path)) {
            _ if found == Found::Absent => Room::Free,
            None => Room::Taken(found),
            Some(other) if found.is(other.hash) => Room::Clean(other.hash),
            // It has what this note has, and so came from it.
            Some(_) if self.remote.hash.is_some_and(|hash| found.is(hash)) => Room::Taken(found),
            Some(_) => Room::Busy,
        }
    }

    pub(super) fn open(&self, path: &NotePath, kind: ConflictKind) -> Step {
        opening(path, kind, self.remote, None)
    }

    fn write(&self, path: &NotePath, hash: ContentHash, expected: Found) -> Effect {
        Effect::Write { path: path.clone(), text: self.remote.text.clone(), hash, expected }
    }

    fn keep_theirs(&self, path: &NotePath) -> Effect {
        Effect::Backup { path: path.clone(), side: Side::Noted, text: self.remote.text.clone() }
    }
}

/// What stands at a path that a note wants.
enum Room {
    /// Nothing.
    Free,
    /// A file that is no note yet.
    Taken(Found),
    /// Another note's file, as both sides last agreed on it. That note has left the path on the server, or it could not be taken there: its
    /// own change is still to come, and puts it where it belongs.
    Clean(ContentHash),
    /// Another note's file, changed here.
    Busy,
    /// A conflict.
    Disputed,
}

/// The beginning of a conflict: first both texts are kept, and the base if it is known; then the path is held.
pub(super) fn opening(path: &NotePath, kind: ConflictKind, remote: &Remote, base: Option<String>) -> Step {
    let backup = |side, text| Effect::Backup { path: path.clone(), side, text };
    let mut effects = vec![backup(Side::Ide, None)];
    if remote.hash.is_some() {
        effects.push(backup(Side::Noted, remote.text.clone()));
    }
    effects.extend(base.map(|base| backup(Side::Base, Some(base))));
    let conflict = Conflict { kind, theirs: Remote { text: None, ..remote.clone() }, deferred: false };
    Step { effects, commits: vec![Commit::Open(path.clone(), conflict)] }
}

impl Step {
    pub(super) fn agreeing(path: &NotePath, entry: Entry) -> Self {
        Self { effects: Vec::new(), commits: vec![Commit::Agree(path.clone(), entry)] }
    }

    fn walking_again() -> Self {
        Self::default().committing(Commit::WalkAgain)
    }

    pub(super) fn committing(mut self, commit: Commit) -> Self {
        self.commits.push(commit);
        self
    }

    pub(super) fn with(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    fn with_some(mut self, effect: Option<Effect>) -> Self {
        self.effects.extend(effect);
        self
    }

    fn after(mut self, effect: Effect) -> Self {
        self.effects.insert(0, effect);
        self
    }
}

/// Whether files of this path are looked at: markdown, and no name on the way is hidden.
#[must_use]
pub fn is_synced(path: &NotePath) -> bool {
    let is_markdown = Path::new(path.as_str()).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md"));
    is_markdown && !path.as_str().split('/').any(|name| name.starts_with('.'))
}

/// Letters and digits of a title, in lower case, with one `-` for whatever lies between them.
fn slug(title: &str) -> String {
    let title = title.strip_suffix(".md").unwrap_or(title).to_lowercase();
    let words: Vec<&str> = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let slug: String = words.join("-").chars().take(60).collect();
    // `note` stands for a title without a letter, and keeps names that a system reserves from being one.
    if slug.is_empty() || NotePath::parse(&format!("{slug}.md")).is_err() {
        format!("note-{slug}").trim_end_matches('-').to_owned()
    } else {
        slug
    }
}
