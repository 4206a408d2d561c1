//! An executable specification of the server's rules, small enough to be read in one go: what histories of clients are tried against.
//!
//! It takes requests as the client's engine makes them and answers as the server does. A hundred thousand histories must fit into a test
//! run, so it keeps everything in memory and never forgets a text.

use std::collections::{BTreeMap, HashMap, HashSet};

use noted_client::engine::{Answer, FileFacts, Page, PageRequest, Pending, Remote, Request, Written};
use noted_shared::domain::{ChangeCursor, ContentHash, EpochId, NoteId, NotePath, OriginId, VersionVector, WorkspaceId};
use noted_shared::wire::ResyncReason;
use uuid::Uuid;

use crate::histories::Sender;

/// Changes on a page: few, so that histories cross pages.
pub const PAGE_NOTES: usize = 4;

/// A text that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The number of the version that it belonged to.
    pub version: i64,
    /// That version's vector.
    pub vector: VersionVector,
    /// The hash of the text.
    pub hash: ContentHash,
    /// Whose key wrote it.
    pub author: Sender,
}

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
    /// Texts that were replaced.
    pub revisions: Vec<Revision>,
    /// Whose key wrote the text.
    pub author: Sender,
}

impl Note {
    fn keep(&mut self) {
        self.revisions.push(Revision { version: self.version, vector: self.vector.clone(), hash: self.hash, author: self.author });
    }
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
    /// Whose key the request brings that is being answered.
    sender: Sender,
    /// Whose key the first was that wrote under a name.
    origins: HashMap<OriginId, Sender>,
    seq: i64,
    horizon: i64,
    workspace: WorkspaceId,
    epoch: EpochId,
    /// What is added to the names of counters since the database was set back.
    generation: Option<String>,
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
            sender: Sender::Client,
            origins: HashMap::new(),
            seq: 0,
            horizon: 0,
            workspace,
            epoch,
            generation: None,
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
        let has = |note: &Note| note.hash == hash || note.revisions.iter().any(|old| old.hash == hash);
        self.logged.contains(&hash) || self.collected.contains(&hash) || self.notes.values().any(has)
    }

    /// Answers a request. The same key again gets the same answer.
    pub fn send(&mut self, sender: Sender, origin: &OriginId, pending: &Pending, text: Option<&str>) -> Answer {
        if let Some((request, answer)) = self.answers.get(pending.key.as_str()) {
            return if *request == pending.request { answer.clone() } else { Answer::KeyReused };
        }
        if *self.origins.entry(origin.clone()).or_insert(sender) != sender {
            return Answer::OriginTaken;
        } else if pending.request.text().is_some_and(|hash| hash != ContentHash::of(text.unwrap_or_default())) {
            return Answer::Refused("content_sha256".to_owned());
        }
        self.sender = sender;
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
            if cursor.epoch != self.epoch || cursor.floor > self.seq {
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
                self.collected.extend(note.revisions.iter().map(|old| old.hash));
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
        let generation = epoch.to_string().chars().skip(28).collect();
        // Ids are random in a database, so that those of lost notes are never given again.
        *self = Self { epoch, generation: Some(generation), ids: self.ids, backup: Some(backup.clone()), ..*backup };
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
            vector: VersionVector::default().incremented(&self.counter_name(origin)),
            seq: self.seq,
            is_deleted: false,
            revisions: Vec::new(),
            author: self.sender,
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
        if !old.vector.has_seen(seen) {
            return Answer::UnknownVersion;
        }
        let is_informed = seen.has_seen(&old.vector);
        let says_same = (file.hash, path, file.title.as_str()) == (old.hash, &old.path, &old.title);
        if old.is_deleted && !(decided && is_informed) {
            self.logged.insert(file.hash);
            return Answer::Gone(old.version, old.vector.clone());
        } else if !old.is_deleted && says_same {
            return self.written(id);
        } else if !is_informed {
            self.logged.insert(file.hash);
            let base = old.revisions.iter().rev().find(|old| seen.has_seen(&old.vector)).map(|old| old.hash);
            return Answer::Conflict(Box::new(self.remote(id, true)), base.map(|hash| self.texts[&hash].clone()));
        }
        if (old.is_deleted || old.path != *path)
            && let Some(other) = self.taken(path, Some(id))
        {
            return Answer::PathTaken(Box::new(self.remote(other, true)));
        }
        self.texts.insert(file.hash, text.to_owned());
        let (vector, path, title) = (old.vector.clone().incremented(&self.counter_name(origin)), path.clone(), file.title.to_string());
        let sender = self.sender;
        self.change(id, |note| {
            if note.hash != file.hash && !note.is_deleted {
                note.keep();
            }
            if note.hash != file.hash {
                note.author = sender;
            }
            (note.hash, note.path, note.title, note.vector, note.is_deleted) = (file.hash, path, title, vector, false);
        });
        self.written(id)
    }

    fn delete(&mut self, origin: &OriginId, id: NoteId, seen: &VersionVector) -> Answer {
        let Some(old) = self.notes.get(&id) else { return Answer::NotFound };
        if !old.vector.has_seen(seen) {
            return Answer::UnknownVersion;
        } else if old.is_deleted {
            return Answer::Deleted;
        } else if !seen.has_seen(&old.vector) {
            return Answer::Conflict(Box::new(self.remote(id, true)), None);
        }
        let vector = old.vector.clone().incremented(&self.counter_name(origin));
        self.change(id, |note| {
            note.keep();
            (note.vector, note.is_deleted) = (vector, true);
        });
        Answer::Deleted
    }

    fn counter_name(&self, origin: &OriginId) -> OriginId {
        let Some(generation) = &self.generation else { return origin.clone() };
        OriginId::parse(&format!("{origin}.{generation}")).unwrap_or_else(|_| unreachable!("the names of a history are short"))
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
