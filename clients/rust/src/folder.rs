//! A folder of markdown files, and what is remembered of it.
//!
//! In the folder itself only `.noted-conflicts/`: every text that stood in a conflict, for thirty days. Nothing that lies in the folder is believed, and no
//! link in it is followed. In the user's state folder, one for each synced folder:
//!
//! - `sync.json`: the engine's state, replaced in one step.
//! - `texts/`: texts under their hashes, as long as a request that may have to be repeated or an open conflict needs them.
//! - `sync.lock`: one program at a time.
//! - `conflicts.log`: what stood against what.

mod apply;
mod backup;
mod scan;
mod store;
mod tree;

pub use scan::{Scan, Skipped};

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use noted_shared::domain::{Content, NotePath};

use crate::engine::State;
use crate::failure::{Failure, Kind};
use store::Texts;
use tree::Tree;

/// Where a project keeps what belongs to Noted.
pub const PROJECT_FOLDER: &str = ".noted";

/// Where the texts of conflicts are kept.
pub const CONFLICTS_FOLDER: &str = ".noted-conflicts";

/// A folder that this program alone syncs.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    tree: Tree,
    /// Where the state is.
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
        let tree = Tree::open(&root)?;
        store::make(&home)?;
        let lock = lock(&home)?;
        backup::forget_old(&tree);
        Ok(Self { texts: Texts::open(home.join("texts"))?, names: BTreeMap::new(), root, tree, home, _lock: lock })
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
        let scan = scan::scan(&self.root, &self.tree)?;
        self.names.clone_from(&scan.names);
        Ok(scan)
    }

    /// Looks for files that a scan did not find and that should be there, so that what was only not looked at does not count as gone.
    pub fn miss<'a>(&self, scan: &mut Scan, expected: impl Iterator<Item = &'a NotePath>) {
        miss(scan, &self.tree, expected);
    }

    /// The text of a file, if it can be a note's.
    #[must_use]
    pub fn read(&self, path: &NotePath) -> Option<Content> {
        self.tree.place(self.name(path)).ok()??.text().ok()
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
    let tree = Tree::open(&root)?;
    let (mut scan, state) = (scan::scan(&root, &tree)?, store::load(&store::home(&root)?, server)?);
    miss(&mut scan, &tree, state.entries.iter().map(|(path, _)| path));
    Ok((scan, state))
}

fn miss<'a>(scan: &mut Scan, tree: &Tree, expected: impl Iterator<Item = &'a NotePath>) {
    for path in expected {
        if !scan.disk.files.contains_key(path) && !scan.disk.unreadable.contains(path) {
            scan.miss(path, path.as_str(), tree);
        }
    }
}

/// Reads one of Noted's own files in a project; none if there is none.
///
/// # Errors
/// When it is no plain file, or lies behind a link.
pub fn read_own(root: &Path, name: &str) -> Result<Option<String>> {
    let Ok(tree) = Tree::open(root) else { return Ok(None) };
    let Some(place) = tree.place(&format!("{PROJECT_FOLDER}/{name}"))? else { return Ok(None) };
    if place.metadata()?.is_none() {
        return Ok(None);
    }
    Ok(Some(place.text()?.into_string()))
}

/// Writes one of Noted's own files into a project, for its owner alone, and keeps them out of git.
///
/// # Errors
/// When it cannot be written, or would be written through a link.
pub fn write_own(root: &Path, name: &str, text: &str) -> Result<()> {
    let tree = Tree::open(root)?;
    for (name, text) in [(".gitignore", "*\n"), (name, text)] {
        let place = tree.place_made(&format!("{PROJECT_FOLDER}/{name}"))?;
        place.replace_with(text)?;
    }
    Ok(())
}

/// Whether a folder was synced before.
#[must_use]
pub fn is_synced(root: &Path) -> bool {
    root.canonicalize().is_ok_and(|root| store::home(&root).is_ok_and(|home| home.join("sync.json").exists()))
}

/// Where what is remembered of a folder is kept.
///
/// # Errors
/// When the folder cannot be read, or there is no place for it.
pub fn home(root: &Path) -> Result<PathBuf> {
    store::home(&root.canonicalize().with_context(|| format!("cannot read {}", root.display()))?)
}

/// Takes over the state that an earlier release kept in the folder itself; answers whether there was any.
///
/// # Errors
/// When it cannot be read or moved.
pub fn take_over(root: &Path) -> Result<bool> {
    store::take_over(&Tree::open(root)?, &home(root)?)
}

fn lock(home: &Path) -> Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(home.join("sync.lock"));
    let file = file.with_context(|| format!("cannot write {}", home.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::new(Kind::Incomplete, "another `noted` is syncing this folder; wait for it, or stop it").into())
        }
        Err(TryLockError::Error(error)) => Err(error).context("cannot lock the folder"),
    }
}
