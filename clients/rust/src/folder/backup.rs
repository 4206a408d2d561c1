//! The texts of conflicts, and what became of them: kept for thirty days, under names that are never used twice.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use noted_shared::domain::{NotePath, Timestamp};

use super::CONFLICTS_FOLDER;
use crate::engine::Side;

/// As long as the server keeps its log of conflicts.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Writes a text to `.noted-conflicts/{path}.{time}.{side}.md`.
pub(super) fn keep(root: &Path, path: &NotePath, side: Side, text: &[u8]) -> Result<()> {
    let folder = root.join(CONFLICTS_FOLDER);
    let time = now().replace(':', "-");
    for number in 1_u32.. {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        let file = folder.join(format!("{path}.{time}{again}.{}.md", side.name()));
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        match OpenOptions::new().write(true).create_new(true).open(&file) {
            Ok(mut opened) => {
                opened.write_all(text)?;
                opened.sync_all()?;
                break;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot write {}", file.display())),
        }
    }
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        fs::write(ignore, "*\n")?;
    }
    Ok(())
}

/// Removes texts that are older than thirty days. What cannot be removed stays.
pub(super) fn forget_old(root: &Path) {
    let is_old = |entry: &walkdir::DirEntry| {
        let modified = entry.metadata().ok().and_then(|metadata| metadata.modified().ok());
        modified.and_then(|modified| SystemTime::now().duration_since(modified).ok()).is_some_and(|age| age > KEPT_FOR)
    };
    let files = walkdir::WalkDir::new(root.join(CONFLICTS_FOLDER)).into_iter().flatten();
    for entry in files.filter(|entry| entry.file_type().is_file() && entry.file_name() != ".gitignore" && is_old(entry)) {
        let _ = fs::remove_file(entry.path());
    }
}

/// Adds a line to `conflicts.log`.
pub(super) fn log(home: &Path, path: &NotePath, what: &str) -> Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(home.join("conflicts.log"))?;
    writeln!(file, "{} {path}: {what}", now())?;
    Ok(())
}

/// The time to the second.
fn now() -> String {
    let now = Timestamp::from_system(SystemTime::now()).unwrap_or(Timestamp::EPOCH).to_string();
    format!("{}Z", now.get(..19).unwrap_or(&now))
}

#[cfg(test)]
mod tests {
    use super::{keep, now};
    use crate::engine::Side;
    use noted_shared::domain::NotePath;

    #[test]
    fn a_second_conflict_does_not_overwrite_the_first_backup() {
        let root = tempfile::tempdir().unwrap();
        let path = NotePath::parse("docs/a.md").unwrap();
        for text in ["one", "two", "three"] {
            keep(root.path(), &path, Side::Ide, text.as_bytes()).unwrap();
        }
        let folder = root.path().join(".noted-conflicts/docs");
        let mut texts: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
        texts.sort();
        assert_eq!(texts, ["one", "three", "two"]);
        assert_eq!(now().len(), "2025-10-09T11:45:30Z".len());
    }
}
