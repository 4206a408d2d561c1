//! The files of a component's `files`, copied into a folder of their own that the guest sees as `/` and cannot write to.
//!
//! A copy, as Spin makes one: what the guest sees cannot change under it, and nothing outside the listed files is in reach.

use crate::manifest::FileMount;
use anyhow::{Context, Result, bail, ensure};
use glob::Pattern;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Copies what `mounts` names, seen from the manifest's folder, into `target`, leaving out what `excluded` matches.
pub(crate) fn stage(mounts: &[FileMount], excluded: &[String], folder: &Path, target: &Path) -> Result<()> {
    let excluded: Vec<Pattern> = excluded.iter().map(|text| Pattern::new(text)).collect::<Result<_, _>>()?;
    let stage = Stage { folder, target, excluded };
    for mount in mounts {
        match mount {
            FileMount::Pattern(pattern) => stage.matches(pattern)?,
            FileMount::Placement { source, destination } => stage.placement(source, destination)?,
        }
    }
    Ok(())
}

struct Stage<'a> {
    folder: &'a Path,
    target: &'a Path,
    excluded: Vec<Pattern>,
}

impl Stage<'_> {
    fn matches(&self, pattern: &str) -> Result<()> {
        let absolute = self.folder.join(pattern);
        let absolute = absolute.to_str().context("the manifest's folder is not valid UTF-8")?;
        // A folder by itself means everything in it.
        let everything = if Path::new(absolute).is_dir() { format!("{absolute}/**/*") } else { absolute.to_owned() };
        for found in glob::glob(&everything)? {
            let found = found?;
            if found.is_file() {
                let place = found.strip_prefix(self.folder).context("a file outside the manifest's folder")?;
                self.copy(&found, place)?;
            }
        }
        Ok(())
    }

    fn placement(&self, source: &str, destination: &str) -> Result<()> {
        ensure!(destination.starts_with('/'), "the destination {destination:?} of a file must be absolute");
        let place = PathBuf::from(destination.trim_start_matches('/'));
        let stays_inside = place.components().all(|part| matches!(part, Component::Normal(_)));
        ensure!(stays_inside, "the destination {destination:?} of a file must not have `..`");
        let source = self.folder.join(source);
        if source.is_file() {
            return self.copy(&source, &place);
        }
        ensure!(source.is_dir(), "{} does not exist", source.display());
        self.tree(&source, &place)
    }

    fn tree(&self, source: &Path, place: &Path) -> Result<()> {
        for entry in fs::read_dir(source).with_context(|| format!("reading {}", source.display()))? {
            let path = entry?.path();
            let Some(name) = path.file_name() else {
                bail!("{} has no name", path.display());
            };
            match path.is_dir() {
                true => self.tree(&path, &place.join(name))?,
                false => self.copy(&path, &place.join(name))?,
            }
        }
        Ok(())
    }

    fn copy(&self, source: &Path, place: &Path) -> Result<()> {
        let relative = source.strip_prefix(self.folder).unwrap_or(source);
        if self.excluded.iter().any(|pattern| pattern.matches_path(relative)) {
            return Ok(());
        }
        let target = self.target.join(place);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(source, &target).with_context(|| format!("copying {} for a component", source.display()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_files_arrive_at_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let target = tempfile::tempdir().unwrap();
        for path in ["a.txt", "b.md", "assets/x.css", "assets/deep/y.css", "assets/deep/secret.key"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        let mounts = [
            FileMount::Pattern("*.txt".into()),
            FileMount::Placement { source: "assets".into(), destination: "/static".into() },
            FileMount::Placement { source: "b.md".into(), destination: "/docs/readme.md".into() },
        ];
        stage(&mounts, &["**/*.key".into()], folder.path(), target.path()).unwrap();
        for (path, expected) in [
            ("a.txt", true),
            ("b.md", false),
            ("static/x.css", true),
            ("static/deep/y.css", true),
            ("static/deep/secret.key", false),
            ("docs/readme.md", true),
        ] {
            assert_eq!(target.path().join(path).exists(), expected, "{path}");
        }
    }

    #[test]
    fn nothing_is_placed_outside() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "").unwrap();
        for destination in ["relative", "/../up"] {
            let mount = FileMount::Placement { source: "a".into(), destination: destination.into() };
            assert!(stage(&[mount], &[], folder.path(), folder.path()).is_err(), "{destination}");
        }
    }
}
