//! Carries out what the engine decides: one folder, one server, one step after the other.
//!
//! Nothing is decided here. An error ends the run where it is; what was saved until then is enough to go on.

mod preview;
mod sending;
mod summary;

pub use preview::preview;
pub use summary::{OpenConflict, Summary, open_conflicts, sync};

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use noted_shared::domain::{ContentHash, NotePath};

use crate::api::Api;
use crate::engine::{Disk, Effect, Engine, Entry, Event, Keep, Pending, State, Task};
use crate::failure::{Failure, Kind};
use crate::folder::{Folder, Scan, Skipped};

/// Lines that git leaves where two texts could not be brought together.
const MARKERS: [&str; 3] = ["<<<<<<< ", "=======", ">>>>>>> "];

/// So many notes may be deleted without a word, however few there are.
const GONE_MAX: usize = 10;
/// And one in so many of all.
const GONE_SHARE: usize = 3;

/// What a session tells while it works.
#[derive(Debug)]
pub enum Progress {
    /// So many of so many requests are answered.
    Sending(usize, usize),
    /// Something happened.
    Happened(Event),
}

/// Who is told.
pub type Report<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// A folder and a server that are kept the same.
#[derive(Debug)]
pub struct Session {
    api: Api,
    folder: Folder,
    engine: Engine,
    skipped: Vec<Skipped>,
    grace: Duration,
    allows_delete: bool,
    /// Whether the last effects could not be carried out.
    has_failed: bool,
}

impl Session {
    /// Opens a folder. With `merge` the server may bring two texts together where no line was changed by both.
    ///
    /// # Errors
    /// When the folder or its state cannot be read, or another program is syncing it.
    pub fn open(api: Api, folder: &Path, merge: bool) -> Result<Self> {
        let folder = Folder::open(folder)?;
        let state = folder.load(api.server().as_str())?;
        let engine = Engine::new(state, &uuid::Uuid::new_v4().simple().to_string(), merge);
        Ok(Self { api, folder, engine, skipped: Vec::new(), grace: Duration::ZERO, allows_delete: false, has_failed: false })
    }

    /// Looks once more, so much later, before a file that is gone counts as deleted: editors save by deleting and writing anew.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Deletes the notes of however many files are gone.
    #[must_use]
    pub fn allowing_delete(self, allows_delete: bool) -> Self {
        Self { allows_delete, ..self }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.folder.root()
    }

    /// What is remembered.
    #[must_use]
    pub fn state(&self) -> &State {
        self.engine.state()
    }

    /// Files that could not become notes when the folder was last looked at.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Brings both sides together.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or the server cannot be reached or refuses the key.
    pub async fn sync(&mut self, report: Report<'_>) -> Result<()> {
        self.engine.begin();
        self.has_failed = false;
        self.run(report).await
    }

    /// Settles a conflict, and brings both sides together.
    ///
    /// # Errors
    /// When there is none, or it cannot be settled in this way; else as [`Self::sync`].
    pub async fn resolve(&mut self, path: &NotePath, keep: Keep, report: Report<'_>) -> Result<()> {
        if keep == Keep::Merged
            && let Some(text) = self.folder.read(path)
            && text.as_str().lines().any(|line| line.starts_with(MARKERS[0]) || line.starts_with(MARKERS[2]) || line == MARKERS[1])
        {
            let message = format!("{path} still has conflict markers; bring both texts together first, then try again");
            return Err(Failure::new(Kind::Incomplete, message).into());
        }
        let disk = self.scan()?.disk;
        let refused = |error| anyhow::Error::from(Failure::new(Kind::Incomplete, format!("{path}: {error}")));
        let effects = self.engine.resolve(path, keep, &disk).map_err(refused)?;
        for effect in &effects {
            if let Some((path, _)) = self.folder.apply(effect)? {
                return Err(Failure::new(Kind::Incomplete, format!("{path} has changed meanwhile; try again")).into());
            }
        }
        self.engine.resolved();
        self.folder.log(path, keep.name())?;
        self.run(report).await
    }

    async fn run(&mut self, report: Report<'_>) -> Result<()> {
        loop {
            match self.engine.next_task() {
                Task::Done => return Ok(()),
                Task::Scan => {
                    let mut scan = self.scan()?;
                    if !self.grace.is_zero() && self.state().entries.iter().any(|(path, _)| is_missing(&scan.disk, path)) {
                        tokio::time::sleep(self.grace).await;
                        scan = self.scan()?;
                    }
                    self.must_be_meant(&scan.disk)?;
                    self.skipped = scan.skipped;
                    self.engine.scanned(&scan.disk);
                }
                Task::Keep(pending) => self.keep(&pending)?,
                Task::Save => {
                    self.folder.save(self.engine.state())?;
                    self.engine.saved();
                }
                Task::Send(pending) => self.send(pending, report).await?,
                Task::Ask(request) => match self.api.changes(&request).await? {
                    Ok(page) => self.engine.page(page),
                    Err(reason) => self.engine.resync(reason),
                },
                Task::Apply(effects) => self.apply(&effects)?,
            }
            self.tell(report)?;
        }
    }

    fn scan(&mut self) -> Result<Scan> {
        let mut scan = self.folder.scan()?;
        self.folder.miss(&mut scan, self.engine.state().entries.iter().map(|(path, _)| path));
        Ok(scan)
    }

    /// A folder that has lost most of its files has more often lost its disk, or is on another branch, than been cleared up. What is there under another
    /// name is not lost.
    fn must_be_meant(&self, disk: &Disk) -> Result<()> {
        let entries = &self.state().entries;
        let all = entries.iter().count();
        let new = disk.files.iter().filter(|(path, _)| entries.at(path).is_none());
        let moved: HashSet<ContentHash> = new.map(|(_, file)| file.hash).collect();
        let is_gone = |path: &NotePath, entry: &Entry| is_missing(disk, path) && !moved.contains(&entry.hash);
        let gone = entries.iter().filter(|(path, entry)| is_gone(path, entry)).count();
        if self.allows_delete || gone <= GONE_MAX || gone * GONE_SHARE <= all {
            return Ok(());
        }
        let message = format!(
            "{gone} of {all} notes are gone from the folder at once, so nothing was sent; if they are to be deleted, add --allow-delete"
        );
        Err(Failure::new(Kind::Unmeant, message).into())
    }

    fn tell(&mut self, report: Report<'_>) -> Result<()> {
        for event in self.engine.take_events() {
            match &event {
                Event::Conflict { path, reason } => self.folder.log(path, reason)?,
                Event::Resolved { path } => self.folder.log(path, "both sides agree again")?,
                _ => {}
            }
            report(Progress::Happened(event));
        }
        Ok(())
    }

    fn keep(&mut self, pending: &[Pending]) -> Result<()> {
        for pending in pending {
            let Some(hash) = pending.request.text() else { continue };
            if self.folder.texts().get(hash).is_none()
                && let Some(text) = self.folder.read(&pending.path)
            {
                self.folder.texts().put(text.as_str())?;
            }
        }
        let texts = self.folder.texts();
        self.engine.kept(|pending| pending.request.text().is_none_or(|hash| texts.get(hash).is_some()));
        Ok(())
    }

    /// What cannot be done is a conflict, which keeps both texts. If those cannot be kept either, the run ends: nothing would come of trying again.
    fn apply(&mut self, effects: &[Effect]) -> Result<()> {
        for (done, effect) in effects.iter().enumerate() {
            match self.folder.apply(effect) {
                Ok(None) => {}
                Ok(Some((path, found))) => {
                    self.has_failed = false;
                    self.engine.changed(done, &path, found);
                    return Ok(());
                }
                Err(error) if self.has_failed => return Err(error),
                Err(_) => {
                    self.has_failed = true;
                    self.engine.failed();
                    return Ok(());
                }
            }
        }
        self.has_failed = false;
        self.engine.applied();
        Ok(())
    }
}

/// Whether a path was looked at and nothing was there.
fn is_missing(disk: &Disk, path: &NotePath) -> bool {
    !disk.files.contains_key(path) && !disk.unreadable.contains(path)
}
