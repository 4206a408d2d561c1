//! What is in the folder: every markdown file, by its path relative to the folder, with the hash of its text.
//!
//! Files are always read and hashed: a file's size and time can stay the same while its text changes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use noted_shared::domain::{ContentHash, NotePath, Timestamp, Title};
use walkdir::WalkDir;

use super::tree::Tree;
use crate::engine::{Disk, LocalFile};

/// A file that cannot become a note, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    /// Path relative to the folder.
    pub path: String,
    /// A sentence.
    pub reason: String,
}

/// What a look at the folder found.
#[derive(Debug, Default)]
pub struct Scan {
    /// What the engine is told.
    pub disk: Disk,
    /// Files that were left out.
    pub skipped: Vec<Skipped>,
    /// Names on disk that are in another Unicode form than the paths under which their files sync.
    pub(super) names: BTreeMap<NotePath, String>,
}

/// Reads the folder. Hidden files and folders and everything that is not `*.md` are passed over; links are not followed, so nothing
/// outside the folder is ever read.
///
/// # Errors
/// When the folder or a folder in it cannot be read.
pub(super) fn scan(folder: &Path, tree: &Tree) -> Result<Scan> {
    let mut scan = Scan::default();
    let is_hidden = |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(|entry| !is_hidden(entry)) {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        let is_markdown = entry.path().extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md"));
        if entry.file_type().is_dir() || !is_markdown {
            continue;
        }
        let name = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        match name.to_str() {
            Some(name) => scan.take(name, tree),
            None => scan.skip(&name.to_string_lossy(), "its name is not UTF-8 text"),
        }
    }
    Ok(scan)
}

impl Scan {
    fn take(&mut self, name: &str, tree: &Tree) {
        let path = match NotePath::parse(name) {
            Ok(path) if self.has(&path) => return self.skip(name, "another file has the same path in normal form"),
            Ok(path) => path,
            Err(invalid) => return self.skip(name, &format!("its path {invalid}")),
        };
        if path.as_str() != name {
            self.names.insert(path.clone(), name.to_owned());
        }
        match read(&path, name, tree) {
            Ok(file) => {
                self.disk.files.insert(path, file);
            }
            Err(error) => {
                self.disk.unreadable.insert(path);
                self.skip(name, &format!("{error:#}"));
            }
        }
    }

    /// Looks for a file that should be there and was not found. Only where nothing is at all it is gone: what stands behind a link, or is a link or
    /// something else now, was not looked at.
    pub(super) fn miss(&mut self, path: &NotePath, name: &str, tree: &Tree) {
        let reason = match tree.place(name) {
            Ok(None) => return,
            Ok(Some(place)) => match place.metadata() {
                Ok(None) => return,
                Ok(Some(metadata)) if metadata.is_symlink() => "it is a link now".to_owned(),
                Ok(Some(metadata)) if metadata.is_file() => "it is there under another spelling of its name".to_owned(),
                Ok(Some(_)) => "it is no plain file now".to_owned(),
                Err(error) => error.to_string(),
            },
            Err(error) => format!("{error:#}"),
        };
        self.disk.unreadable.insert(path.clone());
        self.skip(name, &reason);
    }

    fn has(&self, path: &NotePath) -> bool {
        self.disk.files.contains_key(path) || self.disk.unreadable.contains(path)
    }

    fn skip(&mut self, name: &str, reason: &str) {
        self.skipped.push(Skipped { path: name.to_owned(), reason: reason.to_owned() });
    }
}

fn read(path: &NotePath, name: &str, tree: &Tree) -> Result<LocalFile> {
    let place = tree.place(name)?.context("it is gone again")?;
    let text = place.text()?;
    let modified = place.metadata()?.context("it is gone again")?.modified()?;
    // Told to the server and never used to decide anything: a time that no calendar has keeps no file from being synced.
    let modified = Timestamp::from_system(modified.into_std()).unwrap_or(Timestamp::EPOCH);
    let title = Title::of_text(text.as_str(), Some(path));
    Ok(LocalFile { hash: ContentHash::of(text.as_str()), bytes: text.as_str().len() as u64, title, modified })
}

#[cfg(test)]
mod tests {
    use super::scan;
    use crate::folder::tree::Tree;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn only_readable_markdown_inside_the_folder_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::with_suffix(".md").unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        write("a.md", b"one");
        write("deep/B.MD", b"two");
        write("picture.png", b"three");
        write(".hidden/c.md", b"four");
        write("latin1.md", b"caf\xe9");
        write("zero.md", b"a\0b");
        write("large.md", &vec![b'x'; 1024 * 1024 + 1]);
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link.md")).unwrap();

        write("caf\u{e9}.md", b"five");
        let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.md");
        std::fs::write(folder.path().join(odd), "six").unwrap();

        let scan = scan(folder.path(), &Tree::open(folder.path()).unwrap()).unwrap();
        assert_eq!(scan.disk.files.keys().map(|path| path.as_str()).collect::<Vec<_>>(), ["a.md", "caf\u{e9}.md", "deep/B.MD"]);
        let skipped: Vec<(&str, &str)> = scan.skipped.iter().map(|s| (s.path.as_str(), s.reason.as_str())).collect();
        assert_eq!(
            skipped,
            [
                ("caf\u{fffd}.md", "its name is not UTF-8 text"),
                ("large.md", "it is larger than 1 MiB"),
                ("latin1.md", "it is not UTF-8 text"),
                ("link.md", "it is no plain file"),
                ("zero.md", "it contains a NUL character"),
            ]
        );
    }
}
