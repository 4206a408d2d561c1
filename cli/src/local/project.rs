//! The checkout or deployment folder that a local run belongs to.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder with a `spin.toml`.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The current folder or the nearest one above it that has a `spin.toml`.
    ///
    /// # Errors
    /// When there is none.
    pub fn locate() -> Result<Self> {
        let current = std::env::current_dir()?;
        let root = current.ancestors().find(|folder| folder.join("spin.toml").is_file());
        let root = root.context("no spin.toml here or in a folder above; run this in a checkout of Noted")?;
        Ok(Self { root: root.to_owned() })
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The manifest of the bundle.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.root.join("spin.toml")
    }
}
