//! A folder of markdown files, and what is kept beside them.
//!
//! - `.noted/sync.json`: the engine's state, replaced in one step.
//! - `.noted/texts/`: texts under their hashes, as long as a request that may have to be repeated or an open conflict needs them.
//! - `.noted/sync.lock`: one program at a time.
//! - `.noted-conflicts/`: every text that stood in a conflict, for thirty days.

mod apply;
mod backup;
mod scan;
mod store;

pub use scan::{Scan, Skipped};

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use noted_shared::domain::{Content, NotePath};

use crate::engine::State;
use crate::failure::{Failure, Kind};
use store::Texts;

/// Where a project keeps what belongs to Noted.
pub const PROJECT_FOLDER: &str = ".noted";

/// Where the texts of conflicts are kept.
pub const CONFLICTS_FOLDER: &str = ".noted-conflicts";

/// A folder that this program alone syncs.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Where the state is; inside the folder unless that is read-only.
    home: PathBuf,
    texts: Texts,
    names: BTreeMap<NotePath, String>,
    /// Held until this is dropped.
    _lock: File,
}

impl Folder {
    /// Opens a folder for syncing.
    ///
    /// # Errors
    /// When it cannot be read, or another program is syncing it.
    pub fn open(root: &Path) -> Result<Self> {
        let root = root.canonicalize().with_context(|| format!("cannot read {}", root.display()))?;
        let home = store::home(&root)?;
        fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
        let lock = lock(&home)?;
        backup::forget_old(&root);
        Ok(Self { texts: Texts::open(home.join("texts"))?, names: BTreeMap::new(), root, home, _lock: lock })
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Looks at the folder.
    ///
    /// # Errors
    /// When it or a folder in it cannot be read.
    pub fn scan(&mut self) -> Result<Scan> {
        let scan = scan::scan(&self.root)?;
        self.names.clone_from(&scan.names);
        Ok(scan)
    }

    /// The text of a file, if it can be a note's.
    #[must_use]
    pub fn read(&self, path: &NotePath) -> Option<Content> {
        scan::read_text(&self.inside(path).ok()?).ok()
    }

    /// The state for `server`; a new one, with a new origin, when there is none or it belongs to another server.
    ///
    /// # Errors
    /// When the file exists but cannot be read or understood.
    pub fn load(&self, server: &str) -> Result<State> {
        store::load(&self.home, server)
    }

    /// Saves the state, and lets go of texts that nothing needs any more.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&mut self, state: &State) -> Result<()> {
        store::save(&self.home, state)?;
        self.texts.keep_only(state.texts())
    }

    /// The kept texts.
    pub fn texts(&mut self) -> &mut Texts {
        &mut self.texts
    }

    /// Adds a line to the folder's log of conflicts.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn log(&self, path: &NotePath, what: &str) -> Result<()> {
        backup::log(&self.home, path, what)
    }
}

/// Looks at a folder and its state without opening it: nothing is written, and nobody is kept out.
///
/// # Errors
/// When the folder or its state cannot be read.
pub fn look(root: &Path, server: &str) -> Result<(Scan, State)> {
    let root = root.canonicalize().with_context(|| format!("cannot read {}", root.display()))?;
    Ok((scan::scan(&root)?, store::load(&store::home(&root)?, server)?))
}

fn lock(home: &Path) -> Result<File> {
    let file = File::create(home.join("sync.lock")).with_context(|| format!("cannot write {}", home.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::new(Kind::Incomplete, "another `noted` is syncing this folder; wait for it, or stop it").into())
        }
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the folder"),
    }
}
