//! Decides what a folder and a server have to tell each other, one step at a time.
//!
//! The engine has no clock, disk or socket. It says what to do next ([`Engine::next_task`]) and is told what came of it, and it is the order of
//! these steps that keeps texts safe: requests are saved before they are sent, texts of a conflict are kept before it is noted down, files
//! are written before the state says that both sides agree, and the place in the feed moves on last. Whoever stops between any two steps,
//! or in the middle of one, starts again from what was saved and loses nothing.

mod answer;
mod disk;
mod entries;
mod look;
mod plan;
mod pull;
mod resolve;
mod restore;
mod state;
mod task;

pub use answer::{Answer, Written};
pub use disk::{Disk, Effect, Found, LocalFile, Side};
pub use entries::{Entries, Entry};
pub use pull::is_synced;
pub use resolve::{Keep, ResolveError};
pub use state::{Conflict, ConflictKind, FileFacts, Pending, Remote, Request, State};
pub use task::{Event, Page, PageRequest, Task};

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use noted_shared::domain::{ChangeCursor, ContentHash, IdempotencyKey, NoteId, NotePath};
use noted_shared::wire::ResyncReason;

use disk::View;
use pull::{Commit, Step};

/// Times that the changes are walked again in one go, when something was in the way. What is left is done the next time.
const CYCLES_MAX: u32 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Deliver,
    Look,
    LookAndPlan,
    Keep,
    Save,
    Pull,
}

/// Keeps one folder and one workspace the same.
#[derive(Debug)]
pub struct Engine {
    state: State,
    view: View,
    stages: VecDeque<Stage>,
    run: String,
    keys: u64,
    merge: bool,
    /// Texts that the server will never take as they are.
    refused: BTreeMap<NotePath, Option<ContentHash>>,
    /// The page that is being applied, and where it ends.
    changes: VecDeque<Remote>,
    page_end: Option<(ChangeCursor, bool)>,
    include_content: bool,
    step: Option<Step>,
    /// The state says what of this page is being written.
    is_announced: bool,
    resolution: Option<resolve::Resolution>,
    /// The changes are read from the beginning: how far, and which notes came as living ones.
    lists_all: bool,
    walked_to: Option<ChangeCursor>,
    alive: BTreeSet<NoteId>,
    again: bool,
    unsaved: bool,
    cycles: u32,
    events: Vec<Event>,
}

impl Engine {
    /// Goes on from a saved state. `run` must never be the same twice for one origin: keys of requests are made of it.
    #[must_use]
    pub fn new(state: State, run: &str, merge: bool) -> Self {
        Self {
            state,
            view: View::default(),
            stages: VecDeque::new(),
            run: run.to_owned(),
            keys: 0,
            merge,
            refused: BTreeMap::new(),
            changes: VecDeque::new(),
            page_end: None,
            include_content: false,
            step: None,
            lists_all: false,
            walked_to: None,
            alive: BTreeSet::new(),
            again: false,
            is_announced: false,
            resolution: None,
            unsaved: false,
            cycles: 0,
            events: Vec::new(),
        }
    }

    /// What to save.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What happened since this was last asked.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Begins to bring both sides together. What was sent and not answered comes first, because nothing else can be understood before.
    pub fn begin(&mut self) {
        self.cycles = 0;
        self.changes.clear();
        self.page_end = None;
        self.step = None;
        self.is_announced = false;
        self.walked_to = None;
        self.begin_cycle();
    }

    fn begin_cycle(&mut self) {
        self.cycles += 1;
        self.again = false;
        if std::mem::take(&mut self.state.walk_again) {
            self.state.cursor = None;
            self.unsaved = true;
        }
        self.stages.clear();
        if !self.state.pending.is_empty() {
            self.stages.extend([Stage::Look, Stage::Deliver]);
        }
        // Without a place in the feed, most files may be there already; after a crash, the folder can be ahead of the state.
        if self.state.cursor.is_none() || !self.state.applying.is_empty() {
            self.stages.extend([Stage::Look, Stage::Pull]);
            self.stages.extend([Stage::LookAndPlan, Stage::Deliver]);
        } else {
            self.stages.extend([Stage::LookAndPlan, Stage::Deliver, Stage::Pull]);
        }
    }

    /// What to do next.
    #[must_use]
    pub fn next_task(&mut self) -> Task {
        loop {
            match self.stages.front() {
                None if self.unsaved => return Task::Save,
                None if (self.again || self.state.walk_again) && self.cycles < CYCLES_MAX => self.begin_cycle(),
                None => return Task::Done,
                Some(Stage::Deliver) if !self.state.pending.is_empty() => return Task::Send(self.state.pending.clone()),
                Some(Stage::Deliver) => {
                    self.stages.pop_front();
                    if self.unsaved {
                        self.stages.push_front(Stage::Save);
                    }
                }
                Some(Stage::Look | Stage::LookAndPlan) => return Task::Scan,
                Some(Stage::Keep) => return Task::Keep(self.state.pending.clone()),
                Some(Stage::Save) => return Task::Save,
                Some(Stage::Pull) => {
                    if let Some(task) = self.pull() {
                        return task;
                    }
                }
            }
        }
    }

    /// Takes in what is in the folder.
    pub fn scanned(&mut self, disk: &Disk) {
        self.view = disk.view();
        self.take_up_what_arrived();
        if self.stages.pop_front() != Some(Stage::LookAndPlan) {
            return;
        }
        self.settle_by_hand();
        for (path, request) in plan::plan(&self.state, disk, self.merge) {
            if self.refused.get(&path) != Some(&request.text()) {
                let key = self.next_key();
                self.state.pending.push(Pending { key, path, request });
            }
        }
        if !self.state.pending.is_empty() {
            self.stages.push_front(Stage::Save);
            self.stages.push_front(Stage::Keep);
        }
    }

    fn next_key(&mut self) -> IdempotencyKey {
        self.keys += 1;
        let key = format!("{}.{}.{}", self.state.origin, self.run, self.keys);
        // An origin is at most 128 visible characters, and so is the rest.
        IdempotencyKey::parse(&key).unwrap_or_else(|_| unreachable!("an origin is visible ASCII"))
    }

    /// Takes in which requests have their text kept; the files of all others have changed since they were looked at.
    pub fn kept(&mut self, is_kept: impl Fn(&Pending) -> bool) {
        let (kept, dropped) = std::mem::take(&mut self.state.pending).into_iter().partition(is_kept);
        self.state.pending = kept;
        let dropped: Vec<Pending> = dropped;
        dropped.iter().for_each(|pending| self.look_for_note_of(&pending.request));
        self.stages.pop_front();
    }

    /// The state was saved.
    pub fn saved(&mut self) {
        self.unsaved = false;
        if self.stages.front() == Some(&Stage::Save) {
            self.stages.pop_front();
        }
    }

    /// Takes in the answer to a request. What it answers is to be done on the disk at once; a file that was changed meanwhile stays.
    pub fn answered(&mut self, key: &IdempotencyKey, answer: &Answer) -> Vec<Effect> {
        let Some(place) = self.state.pending.iter().position(|pending| pending.key == *key) else { return Vec::new() };
        let pending = self.state.pending.remove(place);
        let step = answer::settle(&self.state, &self.view, &pending, answer);
        self.unsaved = true;
        match answer {
            Answer::Refused(reason) => {
                self.refused.insert(pending.path.clone(), pending.request.text());
                self.events.push(Event::Refused { path: pending.path, reason: reason.clone() });
            }
            Answer::NotFound | Answer::KeyReused => self.again |= pending.request.text().is_some(),
            Answer::UnknownVersion => {
                self.resync(ResyncReason::DatabaseRestored);
                self.again = true;
            }
            Answer::OriginTaken => {
                self.begin_new_origin();
                self.again = true;
            }
            Answer::Written(_) | Answer::Deleted => self.tell_sent(&pending),
            _ if step.opens() => {}
            _ => self.tell_sent(&pending),
        }
        for effect in &step.effects {
            self.view.apply(effect);
        }
        for commit in step.commits {
            self.commit(commit);
        }
        if !matches!(answer, Answer::Deleted | Answer::NotFound | Answer::Gone(..)) {
            self.look_for_note_of(&pending.request);
        }
        step.effects
    }

    /// A request that came to nothing may have been all that this folder knew of its note: then the changes must tell of it again.
    fn look_for_note_of(&mut self, request: &Request) {
        let is_unknown = |note_id| self.state.entries.of(note_id).is_none() && self.state.conflict_of(note_id).is_none();
        if request.note_id().is_some_and(is_unknown) {
            self.state.walk_again = true;
            self.unsaved = true;
        }
    }

    /// For a look ahead: tells what would be sent, and goes on as if it had not been planned.
    pub fn pretend_sent(&mut self) {
        for pending in std::mem::take(&mut self.state.pending) {
            self.tell_sent(&pending);
        }
    }

    fn tell_sent(&mut self, pending: &Pending) {
        let path = pending.path.clone();
        if self.state.conflicts.contains_key(&path) {
            self.events.push(Event::Resolved { path: path.clone() });
        }
        self.events.push(match &pending.request {
            Request::Create { .. } => Event::Created { path },
            Request::Update { from: Some(from), .. } => Event::Renamed { from: from.clone(), path },
            Request::Update { .. } => Event::Updated { path },
            Request::Delete { .. } => Event::Deleted { path },
        });
    }

    /// Goes on with the changes; nothing when they are read to the end.
    fn pull(&mut self) -> Option<Task> {
        loop {
            if let Some(step) = &self.step {
                if step.effects.is_empty() {
                    self.finish_step();
                } else if self.is_announced {
                    return Some(Task::Apply(step.effects.clone()));
                } else {
                    self.announce();
                    return Some(Task::Save);
                }
            } else if let Some(remote) = self.changes.front() {
                let step = pull::decide(&self.state, &self.view, remote);
                if step.needs_text() && !self.include_content {
                    self.include_content = true;
                    self.changes.clear();
                    self.page_end = None;
                    continue;
                }
                if remote.hash.is_some() {
                    self.alive.insert(remote.note_id);
                }
                self.step = Some(step);
            } else {
                match self.page_end.take() {
                    None => return Some(self.ask()),
                    Some((cursor, true)) => {
                        if self.end_page(cursor) {
                            return Some(Task::Save);
                        }
                    }
                    Some((cursor, false)) => match self.gone_meanwhile() {
                        Some(step) => (self.step, self.page_end) = (Some(step), Some((cursor, false))),
                        None => return self.end_walk(cursor),
                    },
                }
            }
        }
    }

    fn ask(&mut self) -> Task {
        if self.state.cursor.is_none() && self.walked_to.is_none() {
            // Read from the beginning, the feed is a list of all that lives: what does not come is gone. So the place counts only in the end.
            self.lists_all = !self.state.entries.is_empty() || !self.state.conflicts.is_empty();
            self.alive.clear();
        }
        let cursor = if self.lists_all { self.walked_to } else { self.state.cursor };
        Task::Ask(PageRequest { cursor, include_content: self.include_content })
    }

    /// Says what of the page is about to be written, before the first of it is.
    fn announce(&mut self) {
        self.is_announced = true;
        let coming = self.changes.iter().filter(|remote| remote.hash.is_some());
        self.state.applying.extend(coming.map(|remote| Remote { text: None, ..remote.clone() }));
    }

    /// What the page says is on disk, so the place moves on. Answers whether that is worth saving now.
    fn end_page(&mut self, cursor: ChangeCursor) -> bool {
        self.include_content = false;
        self.is_announced = false;
        self.walked_to = Some(cursor);
        if !self.lists_all {
            self.state.cursor = Some(cursor);
            self.state.applying.clear();
            self.unsaved = true;
        }
        self.unsaved
    }

    fn end_walk(&mut self, cursor: ChangeCursor) -> Option<Task> {
        self.include_content = false;
        self.unsaved |= self.state.cursor != Some(cursor) || self.is_announced || self.state.resync.is_some();
        self.state.cursor = Some(cursor);
        self.state.applying.clear();
        self.is_announced = false;
        if !self.state.walk_again {
            // What the database has lost is sent at once.
            self.again |= self.state.is_restored();
            self.state.resync = None;
        }
        self.lists_all = false;
        self.walked_to = None;
        self.stages.pop_front();
        None
    }

    /// A note that did not come, although all that live did, is gone. One after the other is settled, each as a change of its own.
    fn gone_meanwhile(&self) -> Option<Step> {
        if !self.lists_all {
            return None;
        }
        let is_gone = |note_id: NoteId| !self.alive.contains(&note_id);
        if let Some((path, entry)) = self.state.entries.iter().find(|(_, entry)| is_gone(entry.note_id)) {
            let step = Step::default().committing(Commit::Forget(path.clone()));
            // After a restore the server may have lost the note; then the file is sent as a new one.
            let is_removed = !self.state.is_restored() && self.view.at(path).is(entry.hash);
            return Some(if is_removed { step.with(Effect::Remove { path: path.clone(), expected: entry.hash }) } else { step });
        }
        let is_stale = |conflict: &Conflict| conflict.theirs.hash.is_some() && is_gone(conflict.theirs.note_id);
        let (path, conflict) = self.state.conflicts.iter().find(|(_, conflict)| is_stale(conflict))?;
        let theirs = Remote { hash: None, ..conflict.theirs.clone() };
        let conflict = Conflict { kind: ConflictKind::DeletedThere, theirs, deferred: conflict.deferred };
        Some(Step::default().committing(Commit::Open(path.clone(), conflict)))
    }

    /// Takes in a page of changes.
    pub fn page(&mut self, page: Page) {
        let epoch = page.next_cursor.epoch;
        if self.state.epoch.is_some_and(|known| known != epoch) {
            return self.resync(ResyncReason::DatabaseRestored);
        }
        self.state.epoch = Some(epoch);
        self.changes = page.changes.into();
        self.page_end = Some((page.next_cursor, page.has_more));
    }

    /// The effects were done.
    pub fn applied(&mut self) {
        let Some(step) = &mut self.step else { return };
        for effect in std::mem::take(&mut step.effects) {
            self.view.apply(&effect);
            match effect {
                Effect::Write { path, .. } => self.events.push(Event::Received { path }),
                Effect::Move { from, to, .. } => self.events.push(Event::ReceivedMove { from, path: to }),
                Effect::Remove { path, .. } => self.events.push(Event::ReceivedDelete { path }),
                Effect::Backup { .. } => {}
            }
        }
    }

    /// So many of the effects were done; then something else than expected was found. The change is looked at anew.
    pub fn changed(&mut self, done: usize, path: &NotePath, found: Found) {
        let step = self.step.take().unwrap_or_default();
        for effect in step.effects.iter().take(done) {
            self.view.apply(effect);
        }
        self.view.set(path, found);
    }

    /// The effects cannot be done at all, because the path means something else on this system. The text is kept beside the folder.
    pub fn failed(&mut self) {
        let Some(remote) = self.changes.front() else {
            self.step = None;
            return;
        };
        let known = self.state.entries.of(remote.note_id).map(|(path, _)| path.clone());
        self.step = match known.or_else(|| remote.path.clone()) {
            Some(path) if remote.hash.is_some() => Some(pull::opening(&path, ConflictKind::CannotBeWritten, remote, None)),
            _ => Some(Step::default()),
        };
    }

    fn finish_step(&mut self) {
        for commit in self.step.take().unwrap_or_default().commits {
            self.unsaved = true;
            self.commit(commit);
        }
        self.changes.pop_front();
    }

    fn commit(&mut self, commit: Commit) {
        self.unsaved = true;
        match commit {
            Commit::Agree(path, entry) => {
                let note_id = entry.note_id;
                let other = self.state.conflicts.remove(&path).filter(|conflict| conflict.theirs.note_id != note_id);
                self.state.conflicts.retain(|_, conflict| conflict.theirs.note_id != note_id);
                let ousted = self.state.entries.put(&path, entry);
                self.state.walk_again |= other.is_some() || ousted.is_some();
            }
            Commit::Forget(path) => {
                self.state.conflicts.remove(&path);
                self.state.entries.remove(&path);
            }
            Commit::Open(path, conflict) => {
                let note_id = conflict.theirs.note_id;
                self.state.entries.remove_note(note_id);
                let ousted = self.state.entries.remove(&path);
                self.state.conflicts.retain(|at, other| other.theirs.note_id != note_id || *at == path);
                if self.state.conflicts.get(&path).is_none_or(|old| old.theirs.note_id != note_id) {
                    self.events.push(Event::Conflict { path: path.clone(), reason: conflict.kind.sentence() });
                }
                let other = self.state.conflicts.insert(path, conflict).filter(|old| old.theirs.note_id != note_id);
                self.state.walk_again |= other.is_some() || ousted.is_some();
            }
            Commit::WalkAgain => self.state.walk_again = true,
        }
    }
}
