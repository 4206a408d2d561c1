//! What the folder and the server looked like when they last agreed: the base of every decision about who changed what.
//!
//! One JSON file in the folder's `.noted`, replaced in one step. Losing it loses no text: files whose hash the server has are adopted
//! again, and everything else is reported instead of overwritten.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use noted_shared::domain::{ContentHash, NoteId, OriginId, VersionVector};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::PROJECT_FOLDER;

/// A note as it was when folder and server last agreed on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The note.
    pub note_id: NoteId,
    /// Hash of the text both had.
    pub hash: ContentHash,
    /// The server's version vector of that text.
    pub version_vector: VersionVector,
}

/// Everything remembered about one folder and one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SyncState {
    /// The server this state belongs to.
    pub server: String,
    /// The name under which this folder writes.
    pub origin: OriginId,
    /// By path.
    pub files: BTreeMap<String, Seen>,
    #[serde(skip)]
    path: PathBuf,
}

impl SyncState {
    /// Reads the folder's state for `server`; a new one, with a new origin, when there is none or it belongs to another server.
    ///
    /// # Errors
    /// When the file exists but cannot be read or understood.
    pub fn load(folder: &Path, server: &str) -> Result<Self> {
        let path = location(folder)?;
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Self::new(server, path),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let state: Self = serde_json::from_slice(&bytes).with_context(|| {
            format!("{} is damaged; delete it to start over: files the server already has are recognised", path.display())
        })?;
        if state.server == server { Ok(Self { path, ..state }) } else { Self::new(server, path) }
    }

    fn new(server: &str, path: PathBuf) -> Result<Self> {
        let origin = OriginId::parse(&format!("noted-cli-{}", uuid::Uuid::new_v4())).map_err(anyhow::Error::new)?;
        Ok(Self { server: server.to_owned(), origin, files: BTreeMap::new(), path })
    }

    /// Replaces the file in one step.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self) -> Result<()> {
        let folder = self.path.parent().context("the state's path has a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(())
    }
}

/// `FOLDER/.noted/sync.json`; for a folder that is read-only, a file in the user's state folder named after the folder's path.
fn location(folder: &Path) -> Result<PathBuf> {
    let is_read_only = fs::metadata(folder).with_context(|| format!("cannot read {}", folder.display()))?.permissions().readonly();
    if !is_read_only {
        return Ok(folder.join(PROJECT_FOLDER).join("sync.json"));
    }
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")));
    let digest = Sha256::digest(folder.canonicalize()?.as_os_str().as_encoded_bytes());
    let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(state.context("the folder is read-only and neither XDG_STATE_HOME nor HOME is set")?.join("noted").join(name).join("sync.json"))
}

#[cfg(test)]
mod tests {
    use super::{Seen, SyncState};
    use noted_shared::domain::{ContentHash, NoteId, VersionVector};

    #[test]
    fn what_was_saved_is_read_again_and_another_server_starts_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = SyncState::load(folder.path(), "http://a/").unwrap();
        let note_id = NoteId::parse("018f4d2e-7c1a-7000-8000-0123456789ab").unwrap();
        let seen = Seen { note_id, hash: ContentHash::of("x"), version_vector: VersionVector::default().incremented(&state.origin) };
        state.files.insert("a.md".into(), seen.clone());
        state.save().unwrap();

        let again = SyncState::load(folder.path(), "http://a/").unwrap();
        assert_eq!((again.origin, again.files.get("a.md")), (state.origin, Some(&seen)));
        assert!(SyncState::load(folder.path(), "http://b/").unwrap().files.is_empty());
    }

    #[test]
    fn a_damaged_file_is_never_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        SyncState::load(folder.path(), "http://a/").unwrap().save().unwrap();
        std::fs::write(folder.path().join(".noted/sync.json"), "{").unwrap();
        let error = SyncState::load(folder.path(), "http://a/").unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
    }
}
