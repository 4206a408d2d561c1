//! What this folder has to tell the server: the folder compared with what both sides last agreed on.
//!
//! Nothing is asked of the server here. What somebody else has changed meanwhile is found out by the vector that each request carries.

use std::collections::{BTreeSet, HashMap};

use noted_shared::domain::{ContentHash, NotePath};

use super::disk::{Disk, LocalFile};
use super::entries::Entry;
use super::state::{FileFacts, Request, State};

impl From<&LocalFile> for FileFacts {
    fn from(file: &LocalFile) -> Self {
        Self { hash: file.hash, title: file.title.clone(), modified: file.modified }
    }
}

/// The requests that bring the server to where the folder is. Deletes and moves come first: they free paths that others may need.
pub(super) fn plan(state: &State, disk: &Disk, merge: bool) -> Vec<(NotePath, Request)> {
    let is_missing =
        |path: &NotePath| !disk.files.contains_key(path) && !disk.unreadable.contains(path) && !state.conflicts.contains_key(path);
    let mut missing: Vec<(&NotePath, &Entry)> = state.entries.iter().filter(|(path, _)| is_missing(path)).collect();
    let mut moves = Moves::new(&missing);
    let (mut freeing, mut updates, mut creates) = (Vec::new(), Vec::new(), Vec::new());
    let mut moved = BTreeSet::new();
    for (path, file) in disk.files.iter().filter(|(path, _)| !state.conflicts.contains_key(*path)) {
        match state.entries.at(path) {
            Some(entry) if entry.hash == file.hash => {}
            Some(entry) => updates.push((path.clone(), update(entry, file, None, merge))),
            None => match moves.take(file.hash) {
                Some((from, entry)) => {
                    moved.insert(from);
                    freeing.push((path.clone(), update(entry, file, Some(from.clone()), merge)));
                }
                None => creates.push((path.clone(), Request::Create { file: file.into() })),
            },
        }
    }
    missing.retain(|(path, _)| !moved.contains(path));
    let delete = |entry: &Entry| Request::Delete { note_id: entry.note_id, seen: entry.version_vector.clone() };
    freeing.extend(missing.into_iter().map(|(path, entry)| (path.clone(), delete(entry))));
    freeing.into_iter().chain(updates).chain(creates).collect()
}

fn update(entry: &Entry, file: &LocalFile, from: Option<NotePath>, merge: bool) -> Request {
    let (note_id, seen) = (entry.note_id, entry.version_vector.clone());
    Request::Update { note_id, seen, file: file.into(), decided: false, merge, from }
}

/// Files that are gone, by their text: a new file with the same text is the old one under another name.
struct Moves<'a>(HashMap<ContentHash, Vec<(&'a NotePath, &'a Entry)>>);

impl<'a> Moves<'a> {
    fn new(missing: &[(&'a NotePath, &'a Entry)]) -> Self {
        let mut by_hash: HashMap<_, Vec<_>> = HashMap::new();
        for (path, entry) in missing.iter().rev() {
            by_hash.entry(entry.hash).or_default().push((*path, *entry));
        }
        Self(by_hash)
    }

    fn take(&mut self, hash: ContentHash) -> Option<(&'a NotePath, &'a Entry)> {
        self.0.get_mut(&hash)?.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::plan;
    use crate::engine::state::{ConflictKind, Remote};
    use crate::engine::{Conflict, Disk, Entry, LocalFile, Request, State};
    use noted_shared::domain::{ContentHash, NoteId, NotePath, OriginId, Timestamp, Title, VersionVector};

    fn path(text: &str) -> NotePath {
        NotePath::parse(text).unwrap()
    }

    fn note_id(path: &str) -> NoteId {
        NoteId::parse(&format!("018f4d2e-7c1a-7000-8000-0000000000{:02x}", path.as_bytes()[0])).unwrap()
    }

    fn disk(files: &[(&str, &str)]) -> Disk {
        let file = |text: &str| LocalFile {
            hash: ContentHash::of(text),
            bytes: text.len() as u64,
            title: Title::parse("title").unwrap(),
            modified: Timestamp::EPOCH,
        };
        let files = files.iter().map(|(at, text)| (path(at), file(text))).collect();
        Disk { files, unreadable: [path("unreadable.md")].into() }
    }

    fn state(agreed: &[(&str, &str)]) -> State {
        let mut state = State::new("server", OriginId::parse("me").unwrap());
        for (at, text) in agreed {
            let entry = Entry { note_id: note_id(at), hash: ContentHash::of(text), version: 1, version_vector: VersionVector::default() };
            state.entries.put(&path(at), entry);
        }
        state
    }

    fn planned(state: &State, files: &[(&str, &str)]) -> Vec<String> {
        let show = |(path, request): (NotePath, Request)| match request {
            Request::Create { .. } => format!("create {path}"),
            Request::Update { from: Some(from), .. } => format!("move {from} {path}"),
            Request::Update { .. } => format!("update {path}"),
            Request::Delete { .. } => format!("delete {path}"),
        };
        plan(state, &disk(files), false).into_iter().map(show).collect()
    }

    #[test]
    fn what_differs_from_the_last_agreement_is_sent() {
        let check = |files: &[(&str, &str)], agreed: &[(&str, &str)], expected: &[&str]| {
            assert_eq!(planned(&state(agreed), files), expected);
        };
        let one = ("a.md", "one");
        check(&[one], &[], &["create a.md"]);
        check(&[one], &[one], &[]);
        check(&[("a.md", "two")], &[one], &["update a.md"]);
        check(&[], &[one], &["delete a.md"]);
        check(&[("b.md", "one")], &[one], &["move a.md b.md"]);
        check(&[("b.md", "other")], &[one], &["delete a.md", "create b.md"]);
        check(&[("b.md", "one"), ("c.md", "one")], &[one], &["move a.md b.md", "create c.md"]);
        check(&[("a.md", "two"), ("b.md", "one")], &[one, ("b.md", "two")], &["update a.md", "update b.md"]);
    }

    #[test]
    fn a_file_that_became_unreadable_is_not_a_deleted_one() {
        assert_eq!(planned(&state(&[("unreadable.md", "one")]), &[]), Vec::<String>::new());
    }

    #[test]
    fn a_path_in_conflict_is_held() {
        let mut state = state(&[]);
        let theirs = Remote {
            note_id: note_id("a.md"),
            path: Some(path("a.md")),
            title: "title".into(),
            hash: Some(ContentHash::of("theirs")),
            version: 2,
            version_vector: VersionVector::default(),
            text: None,
        };
        state.conflicts.insert(path("a.md"), Conflict { kind: ConflictKind::EditedBoth, theirs, deferred: false });
        assert_eq!(planned(&state, &[("a.md", "mine"), ("b.md", "new")]), ["create b.md"]);
    }
}
