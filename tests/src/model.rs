//! An executable specification of the server's rules, small enough to be read in one go: what histories of clients are tried against.
//!
//! It takes requests as the client's engine makes them and answers as the server does. A hundred thousand histories must fit into a test
//! run, so it keeps everything in memory and never forgets a text.

use std::collections::{BTreeMap, HashMap, HashSet};

use noted_client::engine::{Answer, FileFacts, Page, PageRequest, Pending, Remote, Request, Written};
use noted_shared::domain::version_vector::Causality;
use noted_shared::domain::{ChangeCursor, ContentHash, EpochId, NoteId, NotePath, OriginId, VersionVector, WorkspaceId};
use noted_shared::wire::ResyncReason;
use uuid::Uuid;

/// Changes on a page: few, so that histories cross pages.
pub const PAGE_NOTES: usize = 4;

/// A note, with all of its past.
#[derive(Clone, Debug)]
pub struct Note {
    /// Its path.
    pub path: NotePath,
    /// Its title.
    pub title: String,
    /// Hash of its text.
    pub hash: ContentHash,
    /// Counts its changes.
    pub version: i64,
    /// What it contains.
    pub vector: VersionVector,
    /// The place of its latest change.
    pub seq: i64,
    /// Whether it is a tombstone.
    pub is_deleted: bool,
    /// Texts that were replaced, with the number of the version that they belonged to and its vector.
    pub revisions: Vec<(i64, VersionVector, ContentHash)>,
}

/// The server.
#[derive(Clone, Debug)]
pub struct Model {
    notes: BTreeMap<NoteId, Note>,
    by_seq: BTreeMap<i64, NoteId>,
    texts: HashMap<ContentHash, String>,
    /// Texts that stood against another in a refused request.
    logged: HashSet<ContentHash>,
    /// Texts that went with a tombstone when it was collected.
    collected: HashSet<ContentHash>,
    answers: HashMap<String, (Request, Answer)>,
    seq: i64,
    horizon: i64,
    workspace: WorkspaceId,
    epoch: EpochId,
    ids: u128,
    /// The id of the next note, where another server has chosen it already.
    next_id: Option<NoteId>,
    backup: Option<Box<Self>>,
}

impl Default for Model {
    fn default() -> Self {
        Self::of(Uuid::from_u128(7).into(), Uuid::from_u128(1).into())
    }
}

impl Model {
    /// An empty workspace.
    #[must_use]
    pub fn of(workspace: WorkspaceId, epoch: EpochId) -> Self {
        Self {
            notes: BTreeMap::new(),
            by_seq: BTreeMap::new(),
            texts: HashMap::new(),
            logged: HashSet::new(),
            collected: HashSet::new(),
            answers: HashMap::new(),
            seq: 0,
            horizon: 0,
            workspace,
            epoch,
            ids: 0,
            next_id: None,
            backup: None,
        }
    }

    /// Texts that stood against another in a refused request.
    #[must_use]
    pub fn logged(&self) -> &HashSet<ContentHash> {
        &self.logged
    }

    /// The next note that is made gets this id.
    pub fn name_next(&mut self, id: NoteId) {
        self.next_id = Some(id);
    }

    /// Every note, tombstones too.
    #[must_use]
    pub fn notes(&self) -> &BTreeMap<NoteId, Note> {
        &self.notes
    }

    /// How many changes there were.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// The live notes by path.
    #[must_use]
    pub fn live(&self) -> BTreeMap<NotePath, ContentHash> {
        self.notes.values().filter(|note| !note.is_deleted).map(|note| (note.path.clone(), note.hash)).collect()
    }

    /// Whether a text is live, in a revision or in the conflict log, or went with a note that everybody had deleted.
    #[must_use]
    pub fn has_text(&self, hash: ContentHash) -> bool {
        let has = |note: &Note| note.hash == hash || note.revisions.iter().any(|(_, _, old)| *old == hash);
        self.logged.contains(&hash) || self.collected.contains(&hash) || self.notes.values().any(has)
    }

    /// Answers a request. The same key again gets the same answer.
    pub fn send(&mut self, origin: &OriginId, pending: &Pending, text: Option<&str>) -> Answer {
        if let Some((request, answer)) = self.answers.get(pending.key.as_str()) {
            return if *request == pending.request { answer.clone() } else { Answer::KeyReused };
        }
        let answer = match &pending.request {
            Request::Create { file } => self.create(origin, &pending.path, file, text.unwrap_or_default()),
            Request::Update { note_id, seen, file, decided, .. } => {
                self.update(origin, *note_id, seen, &pending.path, file, *decided, text.unwrap_or_default())
            }
            Request::Delete { note_id, seen } => self.delete(origin, *note_id, seen),
        };
        if matches!(answer, Answer::Written(_) | Answer::Deleted) {
            self.answers.insert(pending.key.as_str().to_owned(), (pending.request.clone(), answer.clone()));
        }
        answer
    }

    /// Answers a page of changes.
    ///
    /// # Errors
    /// When nobody knows any more what the holder of the cursor has missed.
    pub fn page(&self, request: &PageRequest) -> Result<Page, ResyncReason> {
        let after = request.cursor.map_or(0, |cursor| cursor.seq);
        if let Some(cursor) = request.cursor {
            if cursor.epoch != self.epoch {
                return Err(ResyncReason::DatabaseRestored);
            } else if cursor.floor < self.horizon {
                return Err(ResyncReason::TombstonesCollected);
            }
        }
        let mut found = self.by_seq.range(after + 1..).map(|(seq, id)| (*seq, *id));
        let page: Vec<_> = found.by_ref().take(PAGE_NOTES).collect();
        let has_more = found.next().is_some();
        let seq = if has_more { page.last().map_or(after, |(seq, _)| *seq) } else { self.seq };
        // Whoever begins at the beginning has never had what was deleted before.
        let floor = seq.max(request.cursor.map_or(self.seq, |cursor| cursor.floor));
        let changes = page.into_iter().map(|(_, id)| self.remote(id, request.include_content)).collect();
        Ok(Page { changes, next_cursor: self.cursor(seq, floor), has_more })
    }

    /// Forgets all tombstones, and answers how many it were. Their texts count as kept from then on: whoever deleted a note had seen its text, and thirty
    /// days have gone by in which it could be had back.
    pub fn collect(&mut self) -> usize {
        let tombstones: Vec<_> = self.notes.iter().filter(|(_, note)| note.is_deleted).map(|(id, note)| (*id, note.seq)).collect();
        let collected = tombstones.len();
        for (id, seq) in tombstones {
            self.horizon = self.horizon.max(seq);
            self.by_seq.remove(&seq);
            if let Some(note) = self.notes.remove(&id) {
                self.collected.insert(note.hash);
                self.collected.extend(note.revisions.iter().map(|(_, _, hash)| *hash));
            }
        }
        collected
    }

    /// Makes a backup, in place of an earlier one.
    pub fn back_up(&mut self) {
        let backup = Self { backup: None, ..self.clone() };
        self.backup = Some(Box::new(backup));
    }

    /// Whether there is a backup.
    #[must_use]
    pub fn has_backup(&self) -> bool {
        self.backup.is_some()
    }

    /// Is what it was when the backup was made, and begins a new epoch, as an operator does. Nothing without a backup.
    pub fn restore(&mut self, epoch: EpochId) {
        let Some(backup) = self.backup.take() else { return };
        // Ids are random in a database, so that those of lost notes are never given again.
        *self = Self { epoch, ids: self.ids, backup: Some(backup.clone()), ..*backup };
    }

    /// Changes whenever the database is set back.
    #[must_use]
    pub fn epoch(&self) -> EpochId {
        self.epoch
    }

    fn cursor(&self, seq: i64, floor: i64) -> ChangeCursor {
        ChangeCursor { workspace: self.workspace, epoch: self.epoch, seq, floor }
    }

    fn remote(&self, id: NoteId, with_text: bool) -> Remote {
        let note = &self.notes[&id];
        Remote {
            note_id: id,
            path: Some(note.path.clone()),
            title: note.title.clone(),
            hash: (!note.is_deleted).then_some(note.hash),
            version: note.version,
            version_vector: note.vector.clone(),
            text: (with_text && !note.is_deleted).then(|| self.texts[&note.hash].clone()),
        }
    }

    fn taken(&self, path: &NotePath, by_other_than: Option<NoteId>) -> Option<NoteId> {
        let is_there = |(id, note): &(&NoteId, &Note)| !note.is_deleted && note.path == *path && Some(**id) != by_other_than;
        self.notes.iter().find(is_there).map(|(id, _)| *id)
    }

    fn create(&mut self, origin: &OriginId, path: &NotePath, file: &FileFacts, text: &str) -> Answer {
        if let Some(id) = self.taken(path, None) {
            // Two copies that say the same are nothing to note down.
            if self.notes[&id].hash != file.hash {
                self.logged.insert(file.hash);
            }
            return Answer::PathTaken(Box::new(self.remote(id, true)));
        }
        self.seq += 1;
        self.ids += 1;
        let id = self.next_id.take().unwrap_or_else(|| NoteId::from(Uuid::from_u128(self.ids)));
        let note = Note {
            path: path.clone(),
            title: file.title.to_string(),
            hash: file.hash,
            version: 1,
            vector: VersionVector::default().incremented(origin),
            seq: self.seq,
            is_deleted: false,
            revisions: Vec::new(),
        };
        self.texts.insert(file.hash, text.to_owned());
        self.by_seq.insert(note.seq, id);
        self.notes.insert(id, note);
        self.written(id)
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one request")]
    fn update(
        &mut self,
        origin: &OriginId,
        id: NoteId,
        seen: &VersionVector,
        path: &NotePath,
        file: &FileFacts,
        decided: bool,
        text: &str,
    ) -> Answer {
        let Some(old) = self.notes.get(&id) else { return Answer::NotFound };
        let is_informed = has_seen(seen, &old.vector);
        let says_same = (file.hash, path, file.title.as_str()) == (old.hash, &old.path, &old.title);
        if old.is_deleted && !(decided && is_informed) {
            self.logged.insert(file.hash);
            return Answer::Gone(old.version, old.vector.clone());
        } else if !old.is_deleted && says_same {
            return self.written(id);
        } else if !is_informed {
            self.logged.insert(file.hash);
            let base = old.revisions.iter().rev().find(|(_, vector, _)| has_seen(seen, vector)).map(|(_, _, hash)| *hash);
            return Answer::Conflict(Box::new(self.remote(id, true)), base.map(|hash| self.texts[&hash].clone()));
        }
        if (old.is_deleted || old.path != *path)
            && let Some(other) = self.taken(path, Some(id))
        {
            return Answer::PathTaken(Box::new(self.remote(other, true)));
        }
        self.texts.insert(file.hash, text.to_owned());
        let (vector, path, title) = (seen.clone().incremented(origin), path.clone(), file.title.to_string());
        self.change(id, |note| {
            if note.hash != file.hash && !note.is_deleted {
                note.revisions.push((note.version, note.vector.clone(), note.hash));
            }
            (note.hash, note.path, note.title, note.vector, note.is_deleted) = (file.hash, path, title, vector, false);
        });
        self.written(id)
    }

    fn delete(&mut self, origin: &OriginId, id: NoteId, seen: &VersionVector) -> Answer {
        let Some(old) = self.notes.get(&id) else { return Answer::NotFound };
        if old.is_deleted {
            return Answer::Deleted;
        } else if !has_seen(seen, &old.vector) {
            return Answer::Conflict(Box::new(self.remote(id, true)), None);
        }
        let vector = seen.clone().incremented(origin);
        self.change(id, |note| {
            note.revisions.push((note.version, note.vector.clone(), note.hash));
            (note.vector, note.is_deleted) = (vector, true);
        });
        Answer::Deleted
    }

    fn change(&mut self, id: NoteId, change: impl FnOnce(&mut Note)) {
        let Some(note) = self.notes.get_mut(&id) else { return };
        self.by_seq.remove(&note.seq);
        change(note);
        self.seq += 1;
        note.seq = self.seq;
        note.version += 1;
        self.by_seq.insert(self.seq, id);
    }

    fn written(&self, note_id: NoteId) -> Answer {
        let note = &self.notes[&note_id];
        Answer::Written(Written { note_id, hash: note.hash, version: note.version, version_vector: note.vector.clone() })
    }
}

/// Whether whoever has seen `seen` has seen `stored`.
pub(crate) fn has_seen(seen: &VersionVector, stored: &VersionVector) -> bool {
    matches!(seen.compare(stored), Causality::Equal | Causality::Dominates)
}
