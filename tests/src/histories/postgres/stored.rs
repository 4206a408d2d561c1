//! All that a workspace has stored, to be compared with the specification.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use noted_shared::domain::{ContentHash, NoteId, NotePath, VersionVector};
use uuid::Uuid;

use super::REVISIONS_KEPT;
use super::calls::Caller;
use super::station::{Station, told};
use crate::histories::Sender;
use crate::model::{Model, Revision};

const NOTES: &str =
    "select id, ide_file_path, title, content_sha256, version, version_vector::text, seq, deleted_at is not null, author_kind
    from noted.notes order by id";
const REVISIONS: &str = "select note_id, version_number, version_vector::text, content_sha256, author_kind from noted.note_revisions
    order by note_id, version_number";
const LOGGED: &str = "select distinct ide_content_sha256 from noted.sync_conflict_events
    where event = 'detected' and ide_content_sha256 is not null";
const COUNTERS: &str = "select seq, live_notes, synced_notes, stored_bytes
      - (select coalesce(sum(octet_length(content)), 0) from noted.notes)
      - (select coalesce(sum(octet_length(content)), 0) from noted.note_revisions)
      - (select coalesce(sum(octet_length(content)), 0) from noted.conflict_texts)
    from noted.workspaces where id = $1";

/// A note but for its past: path, title, hash, version, vector, place, whether it is deleted, and whose text it is.
type Head = (NotePath, String, ContentHash, i64, VersionVector, i64, bool, Sender);

/// What the tables hold.
#[derive(Debug)]
pub(super) struct Stored {
    heads: BTreeMap<NoteId, Head>,
    revisions: BTreeMap<NoteId, Vec<Revision>>,
    logged: BTreeSet<ContentHash>,
    /// Changes, live notes, those that came from an editor, and bytes that are counted and not there.
    counters: (i64, i64, i64, i64),
}

type NoteRow = (Uuid, String, String, String, i64, String, i64, bool, String);

impl Station {
    pub(super) fn stored(&mut self, caller: &Caller) -> Result<Stored, String> {
        let (owner, runtime) = (&mut self.owner, &self.runtime);
        let notes: Vec<NoteRow> = runtime.block_on(sqlx::query_as(NOTES).fetch_all(&mut *owner)).map_err(told)?;
        let revisions: Vec<(Uuid, i64, String, String, String)> =
            runtime.block_on(sqlx::query_as(REVISIONS).fetch_all(&mut *owner)).map_err(told)?;
        let logged: Vec<String> = runtime.block_on(sqlx::query_scalar(LOGGED).fetch_all(&mut *owner)).map_err(told)?;
        let counters = sqlx::query_as(COUNTERS).bind(caller.workspace).fetch_one(&mut *owner);
        let counters = runtime.block_on(counters).map_err(told)?;

        let mut heads = BTreeMap::new();
        for (id, path, title, hash, version, vector, seq, is_deleted, kind) in notes {
            let path = NotePath::parse(&path).map_err(|error| format!("{path} is stored: {error:?}"))?;
            heads.insert(id.into(), (path, title, hash_of(&hash)?, version, vector_of(&vector)?, seq, is_deleted, author_of(&kind)));
        }
        let mut by_note: BTreeMap<NoteId, Vec<Revision>> = BTreeMap::new();
        for (id, version, vector, hash, kind) in revisions {
            let (vector, hash, author) = (vector_of(&vector)?, hash_of(&hash)?, author_of(&kind));
            by_note.entry(id.into()).or_default().push(Revision { version, vector, hash, author });
        }
        let logged = logged.iter().map(|hash| hash_of(hash)).collect::<Result<_, _>>()?;
        Ok(Stored { heads, revisions: by_note, logged, counters })
    }
}

impl Stored {
    /// Says where the tables and the specification part.
    pub(super) fn compare(&self, model: &Model) -> Result<(), String> {
        let head = |note: &crate::model::Note| {
            (note.path.clone(), note.title.clone(), note.hash, note.version, note.vector.clone(), note.seq, note.is_deleted, note.author)
        };
        same("notes", &self.heads, &model.notes().iter().map(|(id, note)| (*id, head(note))).collect())?;
        let must_stay = |(place, old): (usize, &Revision)| (place < REVISIONS_KEPT || old.author == Sender::Client).then(|| old.clone());
        let revisions = |of: &Vec<Revision>| of.iter().rev().enumerate().filter_map(must_stay).collect::<Vec<_>>();
        let kept = self.revisions.iter().map(|(id, kept)| (*id, revisions(kept)));
        let expected =
            model.notes().iter().filter(|(_, note)| !note.revisions.is_empty()).map(|(id, note)| (*id, revisions(&note.revisions)));
        same::<BTreeMap<_, _>>("revisions that must be kept", &kept.collect(), &expected.collect())?;
        same("texts in the conflict log", &self.logged, &model.logged().iter().copied().collect())?;
        let live = i64::try_from(model.live().len()).unwrap_or(i64::MAX);
        same("counters", &self.counters, &(model.seq(), live, live, 0))
    }
}

fn same<T: PartialEq + Debug>(what: &str, stored: &T, expected: &T) -> Result<(), String> {
    if stored == expected { Ok(()) } else { Err(format!("in the end the {what} are {stored:?}\nand by the specification {expected:?}")) }
}

/// The clients' key is of kind `ide`.
fn author_of(kind: &str) -> Sender {
    if kind == "ide" { Sender::Client } else { Sender::Liar }
}

fn hash_of(text: &str) -> Result<ContentHash, String> {
    ContentHash::parse(text).map_err(|error| format!("{text} is stored: {error:?}"))
}

fn vector_of(text: &str) -> Result<VersionVector, String> {
    let value = serde_json::from_str(text).map_err(|error| format!("{text} is stored: {error}"))?;
    VersionVector::parse(value).map_err(|error| format!("{text} is stored: {error:?}"))
}
