//! Effects on the disk: each looks once more before it acts, and none leaves the folder.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use noted_shared::domain::{ContentHash, NotePath};

use super::scan::read_text;
use super::{Folder, backup};
use crate::engine::{Effect, Found, Side};

/// What a new file may be, less what the user's mask takes away.
const NEW_FILE_MODE: u32 = 0o666;

impl Folder {
    /// Does what the effect says if it finds what the effect expects; otherwise changes nothing and answers where it found what.
    ///
    /// # Errors
    /// When the path cannot be written on this system, or leads out of the folder.
    pub fn apply(&mut self, effect: &Effect) -> Result<Option<(NotePath, Found)>> {
        match effect {
            Effect::Write { path, text, hash, expected } => {
                let kept = || self.texts.get(*hash).map(noted_shared::domain::Content::into_string);
                let text = text.clone().or_else(kept).with_context(|| format!("the server's text of {path} was not kept"))?;
                self.write(path, &text, *expected)
            }
            Effect::Remove { path, expected } => self.remove(path, *expected),
            Effect::Move { from, to, expected } => self.rename(from, to, *expected),
            Effect::Backup { path, side, text } => {
                self.back_up(path, *side, text.as_deref())?;
                Ok(None)
            }
        }
    }

    /// What is at a path now.
    fn found(&self, path: &NotePath) -> Result<Found> {
        let file = self.inside(path)?;
        Ok(match fs::symlink_metadata(&file) {
            Ok(metadata) if metadata.is_file() => {
                read_text(&file).map_or(Found::Unreadable, |content| Found::Text(ContentHash::of(content.as_str())))
            }
            Ok(_) => Found::Unreadable,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Found::Absent,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        })
    }

    /// Where a path lies on disk. A link on the way would lead out of the folder.
    pub(super) fn inside(&self, path: &NotePath) -> Result<PathBuf> {
        let mut file = self.root.clone();
        let name = self.names.get(path).map_or(path.as_str(), String::as_str);
        let segments: Vec<Component<'_>> = Path::new(name).components().collect();
        ensure!(segments.iter().all(|segment| matches!(segment, Component::Normal(_))), "{path} leads out of the folder");
        for (place, segment) in segments.iter().enumerate() {
            file.push(segment);
            let is_link = fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.file_type().is_symlink());
            if is_link && place + 1 < segments.len() {
                bail!("{} is a link; nothing is written through links", file.display());
            }
        }
        Ok(file)
    }

    fn write(&self, path: &NotePath, text: &str, expected: Found) -> Result<Option<(NotePath, Found)>> {
        let file = self.inside(path)?;
        let parent = file.parent().context("a file lies in a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        let permissions = fs::metadata(&file).map_or_else(|_| fs::Permissions::from_mode(NEW_FILE_MODE), |metadata| metadata.permissions());
        let mut temporary = tempfile::Builder::new().prefix(".noted-").permissions(permissions).tempfile_in(parent)?;
        temporary.write_all(text.as_bytes())?;
        temporary.as_file().sync_all()?;
        // As late as can be: whoever saves between this look and the rename is the one case that no program can see.
        let found = self.found(path)?;
        if found != expected {
            return Ok(Some((path.clone(), found)));
        }
        if expected == Found::Absent {
            temporary.persist_noclobber(&file).with_context(|| format!("cannot write {}", file.display()))?;
        } else {
            temporary.persist(&file).with_context(|| format!("cannot write {}", file.display()))?;
        }
        flush(parent)?;
        Ok(None)
    }

    fn remove(&self, path: &NotePath, expected: ContentHash) -> Result<Option<(NotePath, Found)>> {
        let found = self.found(path)?;
        if !found.is(expected) {
            return Ok(Some((path.clone(), found)));
        }
        let file = self.inside(path)?;
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        Ok(None)
    }

    fn rename(&self, from: &NotePath, to: &NotePath, expected: ContentHash) -> Result<Option<(NotePath, Found)>> {
        let (source, target) = (self.inside(from)?, self.inside(to)?);
        let parent = target.parent().context("a file lies in a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        for (path, expected) in [(from, Found::Text(expected)), (to, Found::Absent)] {
            let found = self.found(path)?;
            if found != expected {
                return Ok(Some((path.clone(), found)));
            }
        }
        fs::rename(&source, &target).with_context(|| format!("cannot move {} to {}", source.display(), target.display()))?;
        flush(parent)?;
        Ok(None)
    }

    fn back_up(&mut self, path: &NotePath, side: Side, text: Option<&str>) -> Result<()> {
        match text {
            Some(text) => {
                if side == Side::Noted {
                    self.texts.put(text)?;
                }
                backup::keep(&self.root, path, side, text.as_bytes())
            }
            None => match fs::read(self.inside(path)?) {
                Ok(bytes) => backup::keep(&self.root, path, side, &bytes),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory) => Ok(()),
                Err(error) => Err(error).with_context(|| format!("cannot read {path}")),
            },
        }
    }
}

/// A rename is safe from a power failure once its folder is on disk.
fn flush(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all().with_context(|| format!("cannot write {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::{Effect, Folder, Found};
    use noted_shared::domain::{ContentHash, NotePath};
    use std::fs;

    fn path(text: &str) -> NotePath {
        NotePath::parse(text).unwrap()
    }

    fn write(at: &str, text: &str, expected: Found) -> Effect {
        Effect::Write { path: path(at), text: Some(text.to_owned()), hash: ContentHash::of(text), expected }
    }

    #[test]
    fn a_file_that_is_not_what_was_expected_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(root.path()).unwrap();
        fs::write(root.path().join("a.md"), "saved just now").unwrap();
        let (here, base) = (Found::Text(ContentHash::of("saved just now")), ContentHash::of("base"));

        let found = Some((path("a.md"), here));
        assert_eq!(folder.apply(&write("a.md", "theirs", Found::Text(base))).unwrap(), found);
        assert_eq!(folder.apply(&write("a.md", "theirs", Found::Absent)).unwrap(), found);
        assert_eq!(folder.apply(&Effect::Remove { path: path("a.md"), expected: base }).unwrap(), found);
        assert_eq!(folder.apply(&Effect::Move { from: path("a.md"), to: path("b.md"), expected: base }).unwrap(), found);
        assert_eq!(fs::read_to_string(root.path().join("a.md")).unwrap(), "saved just now");

        assert_eq!(folder.apply(&write("a.md", "theirs", here)).unwrap(), None);
        assert_eq!(fs::read_to_string(root.path().join("a.md")).unwrap(), "theirs");
        let names: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| !name.to_string_lossy().starts_with(".noted-")), "{names:?}");
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut folder = Folder::open(root.path()).unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("docs")).unwrap();
        let error = folder.apply(&write("docs/a.md", "theirs", Found::Absent)).unwrap_err();
        assert!(error.to_string().contains("is a link"), "{error}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn two_programs_never_sync_one_folder() {
        let root = tempfile::tempdir().unwrap();
        let first = Folder::open(root.path()).unwrap();
        let error = Folder::open(root.path()).unwrap_err();
        assert!(error.to_string().contains("another `noted` is syncing this folder"), "{error}");
        drop(first);
        Folder::open(root.path()).unwrap();
    }
}
