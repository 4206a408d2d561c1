//! The texts of conflicts, and what became of them: kept for thirty days, under names that are never used twice.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use cap_fs_ext::DirExt;
use cap_std::fs::{Dir, OpenOptions};
use noted_shared::domain::{ContentHash, NotePath, Timestamp};

use super::CONFLICTS_FOLDER;
use super::tree::Tree;
use crate::engine::Side;

/// As long as the server keeps its log of conflicts.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Folders in folders that are looked through: more than a path has.
const FOLDERS_MAX: usize = 64;

/// The most bytes that a name may have.
const NAME_BYTES_MAX: usize = 255;

/// Writes a text to `.noted-conflicts/{path}.{time}.{side}.md`. A name that would be too long is cut, and told from others by its hash.
pub(super) fn keep(tree: &Tree, path: &NotePath, side: Side, text: &mut dyn Read) -> Result<()> {
    let time = now().replace(':', "-");
    for number in 1_u32.. {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        let ending = format!(".{time}{again}.{}.md", side.name());
        let place = tree.place_made(&format!("{CONFLICTS_FOLDER}/{}", with_ending(path.as_str(), &ending)))?;
        match place.folder.open_with(&place.name, OpenOptions::new().write(true).create_new(true)) {
            Ok(mut opened) => {
                io::copy(text, &mut opened)?;
                opened.sync_all()?;
                break;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot keep a text of {path}")),
        }
    }
    ignore(tree, CONFLICTS_FOLDER)
}

/// Keeps a folder of ours out of git.
fn ignore(tree: &Tree, folder: &str) -> Result<()> {
    let place = tree.place_made(&format!("{folder}/.gitignore"))?;
    match place.folder.open_with(&place.name, OpenOptions::new().write(true).create_new(true)) {
        Ok(mut file) => Ok(file.write_all(b"*\n")?),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error).context("cannot write .gitignore"),
    }
}

fn with_ending(path: &str, ending: &str) -> String {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let mut kept = name.to_owned();
    if name.len() + ending.len() > NAME_BYTES_MAX {
        let hash = format!("~{}", &ContentHash::of(path).to_string()[..8]);
        let mut end = NAME_BYTES_MAX - ending.len() - hash.len();
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        kept = format!("{}{hash}", &name[..end]);
    }
    if folder.is_empty() { format!("{kept}{ending}") } else { format!("{folder}/{kept}{ending}") }
}

/// Removes texts that are older than thirty days, and nothing that could not have been kept here. What cannot be removed stays.
pub(super) fn forget_old(tree: &Tree) {
    if let Ok(Some(place)) = tree.place(CONFLICTS_FOLDER)
        && let Ok(folder) = place.folder.open_dir_nofollow(&place.name)
    {
        forget_old_in(&folder, FOLDERS_MAX);
    }
}

fn forget_old_in(folder: &Dir, depth: usize) {
    for entry in folder.entries().into_iter().flatten().flatten() {
        let (name, Ok(metadata)) = (entry.file_name(), entry.metadata()) else { continue };
        let is_old = metadata.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified.into_std()).ok());
        if metadata.is_dir() && depth > 0 {
            if let Ok(inner) = folder.open_dir_nofollow(&name) {
                forget_old_in(&inner, depth - 1);
            }
        } else if metadata.is_file() && name.to_str().is_some_and(is_kept_name) && is_old.is_some_and(|age| age > KEPT_FOR) {
            let _ = folder.remove_file(&name);
        }
    }
}

/// Whether a name is one that [`keep`] gives: it ends with a time, a side and `md`.
fn is_kept_name(name: &str) -> bool {
    let Some((rest, side)) = name.strip_suffix(".md").and_then(|name| name.rsplit_once('.')) else { return false };
    let time = rest.rsplit_once('.').map(|(_, time)| time).unwrap_or_default().as_bytes();
    let is_time = time.len() >= 20
        && time[..20].iter().zip(b"dddd-dd-ddTdd-dd-ddZ").all(|(found, form)| match form {
            b'd' => found.is_ascii_digit(),
            other => found == other,
        });
    is_time && [Side::Ide, Side::Noted, Side::Base].iter().any(|known| known.name() == side)
}

/// Adds a line to `conflicts.log`: JSON, because a path may hold anything.
pub(super) fn log(home: &Path, path: &NotePath, what: &str) -> Result<()> {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(home.join("conflicts.log"))?;
    writeln!(file, "{}", serde_json::json!({ "time": now(), "path": path, "what": what }))?;
    Ok(())
}

/// The time to the second.
fn now() -> String {
    let now = Timestamp::from_system(SystemTime::now()).unwrap_or(Timestamp::EPOCH).to_string();
    format!("{}Z", now.get(..19).unwrap_or(&now))
}

#[cfg(test)]
mod tests {
    use super::{forget_old, is_kept_name, keep, now, with_ending};
    use crate::engine::Side;
    use crate::folder::tree::Tree;
    use noted_shared::domain::NotePath;
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_second_conflict_does_not_overwrite_the_first_backup() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::open(root.path()).unwrap();
        let path = NotePath::parse("docs/a.md").unwrap();
        for text in ["one", "two", "three"] {
            keep(&tree, &path, Side::Ide, &mut text.as_bytes()).unwrap();
        }
        let folder = root.path().join(".noted-conflicts/docs");
        let mut texts: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
        texts.sort();
        assert_eq!(texts, ["one", "three", "two"]);
        assert_eq!(now().len(), "2025-10-09T11:45:30Z".len());
    }

    #[test]
    fn a_name_at_the_limit_is_cut_and_told_from_others() {
        let root = tempfile::tempdir().unwrap();
        let tree = Tree::open(root.path()).unwrap();
        for name in ["n".repeat(252), "\u{4e00}".repeat(84)] {
            let path = NotePath::parse(&format!("{name}.md")).unwrap();
            keep(&tree, &path, Side::Noted, &mut "text".as_bytes()).unwrap();
        }
        let ending = ".2026-01-31T09-30-00Z.ide.md";
        let (one, other) =
            (with_ending(&format!("{}a.md", "n".repeat(240)), ending), with_ending(&format!("{}b.md", "n".repeat(240)), ending));
        assert!(one.len() == 255 && other.len() == 255 && one != other && is_kept_name(&one));
    }

    #[test]
    fn only_what_was_kept_here_is_forgotten_and_nothing_behind_a_link() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let old = SystemTime::now() - Duration::from_secs(60 * 24 * 3600);
        let aged = |path: std::path::PathBuf| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            File::create(&path).unwrap().set_modified(old).unwrap();
            path
        };
        let kept = "a.md.2026-01-31T09-30-00Z.ide.md";
        let stranger = aged(outside.path().join(kept));
        let tree = Tree::open(root.path()).unwrap();
        symlink(outside.path(), root.path().join(".noted-conflicts")).unwrap();
        forget_old(&tree);
        assert!(stranger.exists());
        keep(&tree, &NotePath::parse("a.md").unwrap(), Side::Ide, &mut "text".as_bytes()).unwrap_err();
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);

        fs::remove_file(root.path().join(".noted-conflicts")).unwrap();
        let mine = aged(root.path().join(".noted-conflicts/docs").join(kept));
        let photo = aged(root.path().join(".noted-conflicts/docs/photo.jpg"));
        symlink(outside.path(), root.path().join(".noted-conflicts/link")).unwrap();
        forget_old(&tree);
        assert!(!mine.exists() && photo.exists() && stranger.exists());
    }
}
