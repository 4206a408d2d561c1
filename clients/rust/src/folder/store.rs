//! The engine's state and the texts that it refers to, on disk.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use noted_shared::domain::{Content, ContentHash, OriginId};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::PROJECT_FOLDER;
use super::tree::Tree;
use crate::engine::State;

/// Where the state of a folder is kept: in the user's own state folder, because what decides about deletions must not be what somebody put into the
/// folder. It is named after the folder's path and its inode: another folder at the same path, such as the place of a disk that is not there, has a
/// state of its own, and so has a copy.
pub(super) fn home(root: &Path) -> Result<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")));
    let inode = fs::metadata(root).with_context(|| format!("cannot read {}", root.display()))?.ino();
    let digest = Sha256::digest([root.as_os_str().as_encoded_bytes(), &inode.to_be_bytes()].concat());
    let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(state.context("there is no place for what Noted remembers of the folder: set HOME or XDG_STATE_HOME")?.join("noted").join(name))
}

/// Makes the folder of a state, which nobody else may read.
pub(super) fn make(home: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(home).with_context(|| format!("cannot create {}", home.display()))
}

/// Takes over what an earlier release kept in the folder itself. The user says so: a repository can carry such files too.
///
/// # Errors
/// When it cannot be read or moved.
pub(super) fn take_over(tree: &Tree, home: &Path) -> Result<bool> {
    if home.join("sync.json").exists() {
        return Ok(false);
    }
    let Some(state) =
        tree.place(&format!("{PROJECT_FOLDER}/sync.json"))?.filter(|place| place.metadata().is_ok_and(|there| there.is_some()))
    else {
        return Ok(false);
    };
    make(home)?;
    let mut text = Vec::new();
    state.file()?.read_to_end(&mut text)?;
    let state: State = serde_json::from_slice(&text).context("the state in .noted/sync.json is damaged")?;
    let mut texts = Texts::open(home.join("texts"))?;
    for hash in state.texts() {
        if let Some(place) = tree.place(&format!("{PROJECT_FOLDER}/texts/{hash}"))?
            && let Ok(text) = place.text()
        {
            texts.put(text.as_str())?;
        }
    }
    save(home, &state)?;
    Ok(true)
}

pub(super) fn load(home: &Path, server: &str) -> Result<State> {
    let path = home.join("sync.json");
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return new_state(server),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let state: State = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is damaged; delete it to start over: files the server already has are recognised", path.display()))?;
    if state.server == server { Ok(state) } else { new_state(server) }
}

fn new_state(server: &str) -> Result<State> {
    let origin = OriginId::parse(&format!("noted-cli-{}", uuid::Uuid::new_v4())).map_err(anyhow::Error::new)?;
    Ok(State::new(server, origin))
}

pub(super) fn save(home: &Path, state: &State) -> Result<()> {
    let path = home.join("sync.json");
    let mut file = NamedTempFile::new_in(home)?;
    file.write_all(&serde_json::to_vec(state)?)?;
    file.as_file().sync_all()?;
    file.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// Texts under their hashes. They are not flushed one by one: a text that a power failure takes is noticed by its hash, and its request is
/// made anew.
#[derive(Debug)]
pub struct Texts {
    folder: PathBuf,
    present: BTreeSet<ContentHash>,
}

impl Texts {
    pub(super) fn open(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let names = fs::read_dir(&folder)?.flatten().map(|entry| entry.file_name());
        let present = names.filter_map(|name| ContentHash::parse(&name.to_string_lossy()).ok()).collect();
        Ok(Self { folder, present })
    }

    /// Keeps a text.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn put(&mut self, text: &str) -> Result<()> {
        let hash = ContentHash::of(text);
        if !self.present.contains(&hash) {
            let mut file = NamedTempFile::new_in(&self.folder)?;
            file.write_all(text.as_bytes())?;
            file.persist(self.path(hash)).with_context(|| format!("cannot write {}", self.folder.display()))?;
            self.present.insert(hash);
        }
        Ok(())
    }

    /// A kept text, if it is still what it was.
    #[must_use]
    pub fn get(&self, hash: ContentHash) -> Option<Content> {
        let text = fs::read_to_string(self.path(hash)).ok()?;
        Content::parse(text).ok().filter(|content| ContentHash::of(content.as_str()) == hash)
    }

    /// The size of a kept text; nothing for one that is not there.
    #[must_use]
    pub fn bytes(&self, hash: ContentHash) -> u64 {
        fs::metadata(self.path(hash)).map_or(0, |metadata| metadata.len())
    }

    pub(super) fn keep_only(&mut self, needed: impl Iterator<Item = ContentHash>) -> Result<()> {
        let needed: BTreeSet<ContentHash> = needed.collect();
        for hash in self.present.difference(&needed) {
            fs::remove_file(self.path(*hash)).with_context(|| format!("cannot write {}", self.folder.display()))?;
        }
        self.present.retain(|hash| needed.contains(hash));
        Ok(())
    }

    fn path(&self, hash: ContentHash) -> PathBuf {
        self.folder.join(hash.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{Texts, load, save};
    use noted_shared::domain::ContentHash;

    #[test]
    fn what_was_saved_is_read_again_and_another_server_starts_anew() {
        let home = tempfile::tempdir().unwrap();
        let state = load(home.path(), "http://a/").unwrap();
        save(home.path(), &state).unwrap();
        assert_eq!(load(home.path(), "http://a/").unwrap().origin, state.origin);
        assert_ne!(load(home.path(), "http://b/").unwrap().origin, state.origin);
    }

    #[test]
    fn a_damaged_file_is_never_taken_for_an_empty_one() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("sync.json"), "{").unwrap();
        let error = load(home.path(), "http://a/").unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
    }

    #[test]
    fn a_text_that_is_not_what_it_was_is_none() {
        let home = tempfile::tempdir().unwrap();
        let mut texts = Texts::open(home.path().join("texts")).unwrap();
        texts.put("one").unwrap();
        texts.put("two").unwrap();
        let (one, two) = (ContentHash::of("one"), ContentHash::of("two"));
        std::fs::write(home.path().join("texts").join(two.to_string()), "tw").unwrap();
        assert_eq!(texts.get(one).map(|text| text.into_string()).as_deref(), Some("one"));
        assert_eq!(texts.get(two), None);
        texts.keep_only(std::iter::empty()).unwrap();
        assert_eq!(texts.get(one), None);
    }
}
