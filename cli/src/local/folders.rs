//! Where local data lives: outside the checkout, so that cleaning a checkout loses no note.
//!
//! PostgreSQL refuses to run as root. A process that is root therefore hands the server to an unprivileged user, and keeps its files in
//! system folders, because that user cannot enter root's home.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The folders that local runs write to.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Downloads that can be fetched again, shared by all checkouts.
    pub cache: PathBuf,
    /// The database cluster, secrets and logs of one project.
    pub data: PathBuf,
}

impl Folders {
    /// The folders of the project at `root`, created when missing.
    ///
    /// # Errors
    /// When the project's path cannot be resolved or a folder cannot be created.
    pub fn of_project(root: &Path) -> Result<Self> {
        let root = root.canonicalize().with_context(|| format!("{} does not exist", root.display()))?;
        let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
        let name = root.file_name().map_or_else(|| "project".into(), |name| name.to_string_lossy().into_owned());
        let project = format!("{name}-{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
        let folders = Self {
            cache: base("XDG_CACHE_HOME", ".cache", "/var/cache")?,
            data: base("XDG_DATA_HOME", ".local/share", "/var/lib")?.join(project),
        };
        for folder in [&folders.cache, &folders.data] {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        Ok(folders)
    }
}

/// `$variable/noted` or `~/home_default/noted`; for root the system's folder.
fn base(variable: &str, home_default: &str, of_root: &str) -> Result<PathBuf> {
    if nix::unistd::geteuid().is_root() {
        return Ok(Path::new(of_root).join("noted"));
    }
    let configured = std::env::var_os(variable).map(PathBuf::from);
    let base = configured.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(home_default)));
    Ok(base.with_context(|| format!("neither {variable} nor HOME is set"))?.join("noted"))
}
