//! Decides, for every path, what has to be sent. Pure: three maps in, one list out.
//!
//! A note that somebody else changed since this folder last saw it is never overwritten and never deleted: it is reported.

use std::collections::{BTreeMap, BTreeSet};

use noted_shared::domain::{ContentHash, NoteId, VersionVector};
use serde::Serialize;

use super::scan::{LocalFile, Scan};
use super::state::Seen;

/// A live note on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteNote {
    /// Its id.
    pub note_id: NoteId,
    /// Hash of its text.
    pub hash: ContentHash,
    /// Its version vector.
    pub version_vector: VersionVector,
}

/// One thing to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A file the server does not have.
    Create {
        /// Its path.
        path: String,
    },
    /// A file that changed since both sides agreed.
    Update {
        /// Its path.
        path: String,
        /// The note.
        note_id: NoteId,
        /// What the writer last saw.
        version_vector: VersionVector,
    },
    /// A file that moved with its text unchanged.
    Rename {
        /// Where it was.
        from: String,
        /// Where it is.
        path: String,
        /// The note.
        note_id: NoteId,
        /// What the writer last saw.
        version_vector: VersionVector,
    },
    /// A file that is gone from the folder.
    Delete {
        /// Where it was.
        path: String,
        /// The note.
        note_id: NoteId,
        /// What the writer last saw.
        version_vector: VersionVector,
    },
}

impl Action {
    /// The path it is about; for a rename the new one.
    #[must_use]
    pub fn path(&self) -> &str {
        let (Self::Create { path } | Self::Update { path, .. } | Self::Rename { path, .. } | Self::Delete { path, .. }) = self;
        path
    }
}

/// Something that was left as it is, because sending it could lose somebody's edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: HeldReason,
}

/// Why a path was left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldReason {
    /// Changed on the server only.
    ChangedOnServer,
    /// Changed on both sides since they last agreed.
    ChangedOnBoth,
    /// Deleted on the server, unchanged here.
    DeletedOnServer,
    /// Deleted here, changed on the server.
    DeletedHereChangedOnServer,
}

impl HeldReason {
    /// A sentence for the person at the terminal.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::ChangedOnServer => "changed on the server since this folder last saw it; the file was left as it is",
            Self::ChangedOnBoth => "changed here and on the server; neither side was overwritten",
            Self::DeletedOnServer => "deleted on the server; the file was left as it is",
            Self::DeletedHereChangedOnServer => "deleted here but changed on the server; the note was kept",
        }
    }
}

/// What a sync will do.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they are sent: deletes and renames free paths that creates may need.
    pub actions: Vec<Action>,
    /// Left as they are.
    pub held: Vec<Held>,
    /// Equal on both sides, by path: what the state should remember.
    pub agreed: BTreeMap<String, Seen>,
    /// Gone on both sides: what the state should forget.
    pub forgotten: Vec<String>,
}

/// Compares the folder with the server and with what was last seen. A file that was skipped is there all the same: its note stays.
#[must_use]
pub fn plan(scan: &Scan, remote: &BTreeMap<String, RemoteNote>, seen: &BTreeMap<String, Seen>) -> Plan {
    let local = &scan.files;
    let mut plan = Plan::default();
    let (mut creates, mut updates) = (Vec::new(), Vec::new());
    let mut moved_from = BTreeSet::new();
    for (path, file) in local {
        match (remote.get(path), seen.get(path)) {
            (Some(note), _) if note.hash == file.hash => {
                plan.agreed.insert(path.clone(), note.clone().into());
            }
            (Some(note), Some(base)) if base.note_id == note.note_id && base.hash == note.hash => {
                updates.push(Action::Update { path: path.clone(), note_id: note.note_id, version_vector: note.version_vector.clone() });
            }
            (Some(note), base) => plan.hold(path, differing(file, note, base)),
            (None, Some(base)) if base.hash == file.hash && !is_live_elsewhere(remote, base.note_id) => {
                plan.hold(path, HeldReason::DeletedOnServer);
            }
            (None, _) => match find_moved(file, scan, remote, seen, &moved_from) {
                Some((from, note)) => {
                    moved_from.insert(from.to_owned());
                    let (note_id, version_vector) = (note.note_id, note.version_vector.clone());
                    plan.actions.push(Action::Rename { from: from.to_owned(), path: path.clone(), note_id, version_vector });
                }
                None => creates.push(Action::Create { path: path.clone() }),
            },
        }
    }
    let is_gone = |path: &String| !scan.has(path) && !moved_from.contains(path);
    for (path, base) in seen.iter().filter(|(path, _)| is_gone(path)) {
        match remote.get(path) {
            Some(note) if note.note_id == base.note_id && note.version_vector == base.version_vector => {
                plan.actions.push(Action::Delete { path: path.clone(), note_id: note.note_id, version_vector: note.version_vector.clone() })
            }
            Some(_) => plan.hold(path, HeldReason::DeletedHereChangedOnServer),
            None => plan.forgotten.push(path.clone()),
        }
    }
    plan.actions.sort_by_key(|action| !matches!(action, Action::Delete { .. }));
    plan.actions.extend(updates);
    plan.actions.extend(creates);
    plan
}

/// Both sides have the path with different texts, and the server's is not the one last seen.
fn differing(file: &LocalFile, note: &RemoteNote, base: Option<&Seen>) -> HeldReason {
    match base {
        Some(base) if base.note_id == note.note_id && base.hash == file.hash => HeldReason::ChangedOnServer,
        _ => HeldReason::ChangedOnBoth,
    }
}

fn is_live_elsewhere(remote: &BTreeMap<String, RemoteNote>, note_id: NoteId) -> bool {
    remote.values().any(|note| note.note_id == note_id)
}

/// A path that is gone here, was last seen with exactly this text, and is unchanged on the server.
fn find_moved<'a>(
    file: &LocalFile,
    scan: &Scan,
    remote: &'a BTreeMap<String, RemoteNote>,
    seen: &'a BTreeMap<String, Seen>,
    taken: &BTreeSet<String>,
) -> Option<(&'a str, &'a RemoteNote)> {
    seen.iter().find_map(|(path, base)| {
        let note = remote.get(path)?;
        let is_gone = !scan.has(path) && !taken.contains(path);
        let is_same = base.hash == file.hash && note.note_id == base.note_id && note.version_vector == base.version_vector;
        (is_gone && is_same).then_some((path.as_str(), note))
    })
}

impl Plan {
    fn hold(&mut self, path: &str, reason: HeldReason) {
        self.held.push(Held { path: path.to_owned(), reason });
    }
}

impl From<RemoteNote> for Seen {
    fn from(note: RemoteNote) -> Self {
        Self { note_id: note.note_id, hash: note.hash, version_vector: note.version_vector }
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, HeldReason, Plan, RemoteNote, plan};
    use crate::sync::scan::{LocalFile, Scan, Skipped};
    use crate::sync::state::Seen;
    use noted_shared::domain::{ContentHash, NoteId, OriginId, Timestamp, VersionVector};
    use std::collections::BTreeMap;

    /// A note's id, text and number of edits.
    type Note<'a> = (u8, &'a str, u32);

    fn vector(edits: u32) -> VersionVector {
        let origin = OriginId::parse("somebody").unwrap();
        (0..edits).fold(VersionVector::default(), |vector, _| vector.incremented(&origin))
    }

    fn note_id(number: u8) -> NoteId {
        NoteId::parse(&format!("018f4d2e-7c1a-7000-8000-0000000000{number:02x}")).unwrap()
    }

    fn planned(local: &[(&str, &str)], remote: &[(&str, Note)], seen: &[(&str, Note)]) -> Plan {
        let file = |text: &str| LocalFile {
            hash: ContentHash::of(text),
            bytes: text.len() as u64,
            modified: Timestamp::from_micros(0).unwrap(),
            file: "unused".into(),
        };
        let note = |(number, text, edits): Note| RemoteNote {
            note_id: note_id(number),
            hash: ContentHash::of(text),
            version_vector: vector(edits),
        };
        let files = local.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect();
        let scan = Scan { files, skipped: vec![Skipped { path: "unreadable.md".into(), reason: "it is not UTF-8 text".into() }] };
        let remote: BTreeMap<_, _> = remote.iter().map(|(path, it)| ((*path).to_owned(), note(*it))).collect();
        let seen = seen.iter().map(|(path, it)| ((*path).to_owned(), Seen::from(note(*it)))).collect();
        plan(&scan, &remote, &seen)
    }

    fn actions(plan: &Plan) -> Vec<String> {
        let show = |action: &Action| match action {
            Action::Create { path } => format!("create {path}"),
            Action::Update { path, .. } => format!("update {path}"),
            Action::Rename { from, path, .. } => format!("rename {from} {path}"),
            Action::Delete { path, .. } => format!("delete {path}"),
        };
        plan.actions.iter().map(show).collect()
    }

    #[test]
    fn each_side_alone_decides_what_is_sent() {
        let check = |local: &[(&str, &str)], remote: &[(&str, Note)], seen: &[(&str, Note)], expected: &[&str]| {
            let plan = planned(local, remote, seen);
            assert_eq!(actions(&plan), expected);
            assert!(plan.held.is_empty(), "{:?}", plan.held);
        };
        let a: (&str, Note) = ("a.md", (1, "one", 1));
        check(&[("a.md", "one")], &[], &[], &["create a.md"]);
        check(&[("a.md", "one")], &[a], &[a], &[]);
        check(&[("a.md", "one")], &[a], &[], &[]);
        check(&[("a.md", "two")], &[a], &[a], &["update a.md"]);
        check(&[], &[a], &[a], &["delete a.md"]);
        check(&[], &[a], &[], &[]);
        check(&[("b.md", "one")], &[a], &[a], &["rename a.md b.md"]);
        check(&[("b.md", "other")], &[a], &[a], &["delete a.md", "create b.md"]);
        check(&[("b.md", "one"), ("c.md", "one")], &[a], &[a], &["rename a.md b.md", "create c.md"]);
        check(&[("a.md", "two")], &[], &[a], &["create a.md"]);
    }

    #[test]
    fn nobody_elses_edit_is_overwritten_or_deleted() {
        let check = |local: &[(&str, &str)], remote: &[(&str, Note)], seen: &[(&str, Note)], expected: HeldReason| {
            let plan = planned(local, remote, seen);
            assert_eq!((actions(&plan), plan.held[0].reason), (vec![], expected));
        };
        let (base, newer): ((&str, Note), (&str, Note)) = (("a.md", (1, "one", 1)), ("a.md", (1, "theirs", 2)));
        check(&[("a.md", "one")], &[newer], &[base], HeldReason::ChangedOnServer);
        check(&[("a.md", "mine")], &[newer], &[base], HeldReason::ChangedOnBoth);
        check(&[("a.md", "mine")], &[newer], &[], HeldReason::ChangedOnBoth);
        check(&[], &[newer], &[base], HeldReason::DeletedHereChangedOnServer);
        check(&[("a.md", "one")], &[], &[base], HeldReason::DeletedOnServer);
        // The path was deleted and made anew by somebody else: another note, even with the old text as its base.
        check(&[("a.md", "mine")], &[("a.md", (2, "theirs", 1))], &[base], HeldReason::ChangedOnBoth);
    }

    #[test]
    fn two_files_that_swapped_names_are_two_updates() {
        let seen: [(&str, Note); 2] = [("a.md", (1, "one", 1)), ("b.md", (2, "two", 1))];
        let plan = planned(&[("a.md", "two"), ("b.md", "one")], &seen, &seen);
        assert_eq!(actions(&plan), ["update a.md", "update b.md"]);
    }

    #[test]
    fn a_file_that_became_unreadable_is_not_a_deleted_one() {
        let note: (&str, Note) = ("unreadable.md", (1, "one", 1));
        assert_eq!(actions(&planned(&[], &[note], &[note])), Vec::<String>::new());
    }

    #[test]
    fn what_is_gone_on_both_sides_is_forgotten() {
        assert_eq!(planned(&[], &[], &[("a.md", (1, "one", 1))]).forgotten, ["a.md"]);
    }
}
