//! The five ways out of a conflict.
//!
//! Each leaves both texts somewhere: what a decision replaces was kept beside the folder when the conflict began, and the file as it is
//! now is kept once more before it goes.

use std::fmt;

use noted_shared::domain::{ContentHash, NotePath, Title};

use super::disk::{Disk, Effect, Found, Side};
use super::pull::{Commit, is_synced};
use super::state::{Conflict, FileFacts, Pending, Request};
use super::{Engine, Stage};

/// What to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The file as it is, or that it is gone.
    Mine,
    /// What the server has.
    Theirs,
    /// Both, as two notes: `name (IDE)` and `name (Noted)`.
    Both,
    /// The file as it is, in which somebody has brought both together.
    Merged,
    /// No decision yet.
    Later,
}

impl Keep {
    /// How the log calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mine => "decided to keep the file",
            Self::Theirs => "decided to keep what the server has",
            Self::Both => "decided to keep both",
            Self::Merged => "decided to keep the merged file",
            Self::Later => "decided later",
        }
    }
}

/// Why a conflict stays open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// There is none at this path.
    NoConflict,
    /// The file is missing or cannot become a note.
    NoFile,
    /// Another file is where the server's version belongs.
    InTheWay(NotePath),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConflict => f.write_str("there is no conflict at this path; `noted conflicts` lists them"),
            Self::NoFile => f.write_str("there is no file with a note's text at this path"),
            Self::InTheWay(path) => write!(f, "the server's version belongs at {path}, where another file is; move that file first"),
        }
    }
}

impl std::error::Error for ResolveError {}

/// A decision on its way: the effects come first.
#[derive(Debug)]
pub(super) struct Resolution {
    commits: Vec<Commit>,
    request: Option<(NotePath, Request)>,
}

impl Engine {
    /// Begins to settle a conflict: does what the answer says on the disk, then [`Engine::resolved`], then goes on as after [`Engine::begin`].
    ///
    /// # Errors
    /// When there is nothing to settle, or not in this way.
    pub fn resolve(&mut self, path: &NotePath, keep: Keep, disk: &Disk) -> Result<Vec<Effect>, ResolveError> {
        let conflict = self.state.conflicts.get(path).ok_or(ResolveError::NoConflict)?.clone();
        self.begin();
        self.view = disk.view();
        let (effects, resolution) = match (keep, conflict.theirs.hash, self.view.at(path)) {
            (Keep::Later, ..) => {
                let deferred = Conflict { deferred: true, ..conflict };
                (Vec::new(), Resolution { commits: vec![Commit::Open(path.clone(), deferred)], request: None })
            }
            (_, _, Found::Unreadable) | (Keep::Merged, Some(_), Found::Absent) => return Err(ResolveError::NoFile),
            (_, None, Found::Absent) => (Vec::new(), Resolution { commits: vec![Commit::Forget(path.clone())], request: None }),
            (Keep::Mine, Some(_), Found::Absent) => (Vec::new(), delete(path, &conflict)),
            (Keep::Mine | Keep::Merged, _, _) | (Keep::Both, None, _) => (Vec::new(), send(path, &conflict, disk)?),
            (Keep::Theirs, None, Found::Text(here)) => {
                let effects = vec![keep_mine(path), Effect::Remove { path: path.clone(), expected: here }];
                (effects, Resolution { commits: vec![Commit::Forget(path.clone())], request: None })
            }
            (Keep::Both, Some(hash), Found::Text(_)) => self.both(path, &conflict, hash, disk)?,
            (Keep::Theirs | Keep::Both, Some(hash), found) => self.theirs(path, &conflict, hash, found)?,
        };
        self.resolution = Some(resolution);
        Ok(effects)
    }

    /// The effects of a decision were done.
    pub fn resolved(&mut self) {
        let Some(Resolution { commits, request }) = self.resolution.take() else { return };
        for commit in commits {
            self.commit(commit);
        }
        let has_request = request.is_some();
        if let Some((path, request)) = request {
            self.state.pending.retain(|pending| pending.path != path);
            let key = self.next_key();
            self.state.pending.push(Pending { key, path, request });
        }
        self.begin();
        self.stages.push_front(Stage::Save);
        if has_request {
            self.stages.push_front(Stage::Keep);
        }
    }

    fn theirs(
        &self,
        path: &NotePath,
        conflict: &Conflict,
        hash: ContentHash,
        found: Found,
    ) -> Result<(Vec<Effect>, Resolution), ResolveError> {
        let target = conflict.theirs.path.clone().filter(is_synced).unwrap_or_else(|| path.clone());
        let mut effects = vec![keep_mine(path)];
        let write = |expected| Effect::Write { path: target.clone(), text: None, hash, expected };
        if target == *path {
            effects.extend((!found.is(hash)).then(|| write(found)));
        } else if self.view.at(&target) != Found::Absent || self.state.entries.at(&target).is_some() {
            return Err(ResolveError::InTheWay(target));
        } else {
            effects.push(write(Found::Absent));
            if let Found::Text(here) = found {
                effects.push(Effect::Remove { path: path.clone(), expected: here });
            }
        }
        let commits = vec![Commit::Forget(path.clone()), Commit::Agree(target, conflict.theirs.entry(hash))];
        Ok((effects, Resolution { commits, request: None }))
    }

    /// The server's note is moved to a name of its own, and the file's text becomes a new note.
    fn both(
        &self,
        path: &NotePath,
        conflict: &Conflict,
        hash: ContentHash,
        disk: &Disk,
    ) -> Result<(Vec<Effect>, Resolution), ResolveError> {
        let file = disk.files.get(path).ok_or(ResolveError::NoFile)?;
        let (mine, theirs) = (self.name_beside(path, "IDE"), self.name_beside(path, "Noted"));
        let effects = vec![
            Effect::Write { path: theirs.clone(), text: None, hash, expected: Found::Absent },
            Effect::Move { from: path.clone(), to: mine, expected: file.hash },
        ];
        let title = Title::parse(&conflict.theirs.title).unwrap_or_else(|_| file.title.clone());
        let facts = FileFacts { hash, title, modified: file.modified };
        let request = decided(conflict, facts);
        Ok((effects, Resolution { commits: vec![Commit::Forget(path.clone())], request: Some((theirs, request)) }))
    }

    fn name_beside(&self, path: &NotePath, whose: &str) -> NotePath {
        let (stem, extension) = path.as_str().rsplit_once('.').unwrap_or((path.as_str(), "md"));
        let name = |number: u32| {
            if number == 1 { format!("{stem} ({whose}).{extension}") } else { format!("{stem} ({whose} {number}).{extension}") }
        };
        let is_free = |path: &NotePath| {
            self.view.at(path) == Found::Absent && self.state.entries.at(path).is_none() && !self.state.conflicts.contains_key(path)
        };
        let names = (1..u32::MAX).map_while(|number| NotePath::parse(&name(number)).ok());
        // A name that is too long for one more word keeps its place; the effect then finds it taken and nothing happens.
        names.into_iter().find(is_free).unwrap_or_else(|| path.clone())
    }
}

fn keep_mine(path: &NotePath) -> Effect {
    Effect::Backup { path: path.clone(), side: Side::Ide, text: None }
}

fn send(path: &NotePath, conflict: &Conflict, disk: &Disk) -> Result<Resolution, ResolveError> {
    let file = disk.files.get(path).ok_or(ResolveError::NoFile)?;
    Ok(Resolution { commits: Vec::new(), request: Some((path.clone(), decided(conflict, file.into()))) })
}

/// An update by somebody who has seen both sides.
fn decided(conflict: &Conflict, file: FileFacts) -> Request {
    let (note_id, seen) = (conflict.theirs.note_id, conflict.theirs.version_vector.clone());
    Request::Update { note_id, seen, file, decided: true, merge: false, from: None }
}

fn delete(path: &NotePath, conflict: &Conflict) -> Resolution {
    let (note_id, seen) = (conflict.theirs.note_id, conflict.theirs.version_vector.clone());
    Resolution { commits: Vec::new(), request: Some((path.clone(), Request::Delete { note_id, seen })) }
}
