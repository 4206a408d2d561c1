//! Effects on the disk: each looks once more before it acts, and none leaves the folder.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use cap_std::fs::MetadataExt;
use noted_shared::domain::{ContentHash, NotePath};

use super::tree::Place;
use super::{Folder, backup};
use crate::engine::{Effect, Found, Side};

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

    /// What a path is called on disk.
    pub(super) fn name<'a>(&'a self, path: &'a NotePath) -> &'a str {
        self.names.get(path).map_or(path.as_str(), String::as_str)
    }

    fn write(&self, path: &NotePath, text: &str, expected: Found) -> Result<Option<(NotePath, Found)>> {
        let place = self.tree.place_made(self.name(path))?;
        let (temporary, mut file) = place.beside().with_context(|| format!("cannot write beside {path}"))?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        // As late as can be: whoever saves between this look and the rename is the one case that no program can see.
        let outcome = match written {
            Ok(()) => found_at(&place)
                .and_then(|found| if found == expected { put(&place, &temporary, found).map(|()| None) } else { Ok(Some(found)) }),
            Err(error) => Err(error.into()),
        };
        if !matches!(outcome, Ok(None)) {
            let _ = place.folder.remove_file(&temporary);
        }
        let found = outcome.with_context(|| format!("cannot write {path}"))?;
        place.flush()?;
        Ok(found.map(|found| (path.clone(), found)))
    }

    fn remove(&self, path: &NotePath, expected: ContentHash) -> Result<Option<(NotePath, Found)>> {
        let Some(place) = self.tree.place(self.name(path))? else { return Ok(Some((path.clone(), Found::Absent))) };
        let found = found_at(&place)?;
        if !found.is(expected) {
            return Ok(Some((path.clone(), found)));
        }
        place.folder.remove_file(&place.name).with_context(|| format!("cannot remove {path}"))?;
        Ok(None)
    }

    fn rename(&self, from: &NotePath, to: &NotePath, expected: ContentHash) -> Result<Option<(NotePath, Found)>> {
        let Some(source) = self.tree.place(self.name(from))? else { return Ok(Some((from.clone(), Found::Absent))) };
        let target = self.tree.place_made(self.name(to))?;
        let found = found_at(&source)?;
        if !found.is(expected) {
            return Ok(Some((from.clone(), found)));
        }
        // On a disk that ignores case or the form of letters both names can be those of one file.
        let found = found_at(&target)?;
        if found != Found::Absent && !is_one_file(&source, &target)? {
            return Ok(Some((to.clone(), found)));
        }
        source.folder.rename(&source.name, &target.folder, &target.name).with_context(|| format!("cannot move {from} to {to}"))?;
        target.flush()?;
        Ok(None)
    }

    fn back_up(&mut self, path: &NotePath, side: Side, text: Option<&str>) -> Result<()> {
        if let Some(text) = text {
            if side == Side::Noted {
                self.texts.put(text)?;
            }
            return backup::keep(&self.tree, path, side, &mut text.as_bytes());
        }
        // What cannot be read is not replaced either, so it needs no copy.
        match self.tree.place(self.name(path)).ok().flatten().and_then(|place| place.file().ok()) {
            Some(mut file) => backup::keep(&self.tree, path, side, &mut file),
            None => Ok(()),
        }
    }
}

fn found_at(place: &Place) -> Result<Found> {
    Ok(match place.metadata()? {
        Some(metadata) if metadata.is_file() => {
            place.text().map_or(Found::Unreadable, |content| Found::Text(ContentHash::of(content.as_str())))
        }
        Some(_) => Found::Unreadable,
        None => Found::Absent,
    })
}

/// Puts a finished file where something was found, or where nothing was and nothing may have come.
fn put(place: &Place, temporary: &str, found: Found) -> Result<()> {
    if found == Found::Absent {
        match place.folder.hard_link(temporary, &place.folder, &place.name) {
            Ok(()) => return Ok(place.folder.remove_file(temporary)?),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error.into()),
            // A disk without second names for a file.
            Err(_) => {}
        }
    }
    Ok(place.folder.rename(temporary, &place.folder, &place.name)?)
}

fn is_one_file(one: &Place, other: &Place) -> Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok(one.zip(other).is_some_and(|(one, other)| (one.dev(), one.ino()) == (other.dev(), other.ino())))
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
