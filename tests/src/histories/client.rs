//! A client whose folder is a map, with the faults that networks, machines and people have.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use noted_client::engine::{Answer, Disk, Effect, Engine, Found, Keep, LocalFile, Pending, Request, Side, State, Task};
use noted_shared::domain::{ContentHash, NoteId, NotePath, OriginId, Timestamp, Title, VersionVector};
use noted_shared::wire::ResyncReason;

use super::server::{Sender, Server};

/// Steps of one sync at most; more would never end.
const STEPS_MAX: usize = 2_000;

/// What goes wrong in a sync, and at which of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The process dies before this step.
    Crash(usize),
    /// The process dies in the middle of what this step does on the disk.
    CrashInside(usize),
    /// This request never arrives.
    LostRequest(usize),
    /// This request arrives, and its answer does not.
    LostAnswer(usize),
    /// Every request arrives twice.
    Twice,
    /// Somebody saves this file before this step.
    EditBefore(usize, usize),
    /// Somebody deletes this file before this step.
    DeleteBefore(usize, usize),
}

type File = (ContentHash, String);

/// A folder and its state.
#[derive(Debug)]
pub struct Client {
    disk: BTreeMap<NotePath, File>,
    kept: HashMap<ContentHash, String>,
    backups: HashSet<ContentHash>,
    saved: State,
    runs: usize,
    edits: usize,
    name: usize,
    /// Files that somebody wrote here, and did not come from the server.
    own: BTreeSet<NotePath>,
    /// Texts that were once in this folder or kept beside it: whoever sits here can have read them.
    known: HashSet<ContentHash>,
    acknowledged: Vec<ContentHash>,
    /// Texts that were here when this client or the server forgot what was. They may be sent as new.
    survived: HashSet<ContentHash>,
    /// The last request that was sent, and its text: whoever overhears it can send it too.
    pub(super) last_sent: Option<(OriginId, Pending, Option<String>)>,
    /// Names under which the server knows this client.
    written_as: HashSet<OriginId>,
    /// Conflicts that began here.
    pub conflicts: usize,
    /// Requests that were sent.
    pub requests: usize,
}

/// The names that files have in a history: few, so that they meet.
const NAMES: [&str; 5] = ["a.md", "b.md", "c.md", "d/e.md", "d/f.md"];

/// One of [`NAMES`].
#[must_use]
pub(super) fn name(index: usize) -> NotePath {
    NotePath::parse(NAMES[index % NAMES.len()]).unwrap_or_else(|_| unreachable!("the names are paths"))
}

impl Client {
    /// With an empty folder.
    #[must_use]
    pub fn new(name: usize) -> Self {
        let origin = OriginId::parse(&format!("client-{name}")).unwrap_or_else(|_| unreachable!("the name is short"));
        Self {
            disk: BTreeMap::new(),
            kept: HashMap::new(),
            backups: HashSet::new(),
            saved: State::new("memory", origin),
            runs: 0,
            edits: 0,
            name,
            own: BTreeSet::new(),
            known: HashSet::new(),
            acknowledged: Vec::new(),
            survived: HashSet::new(),
            last_sent: None,
            written_as: HashSet::new(),
            conflicts: 0,
            requests: 0,
        }
    }

    /// The folder, by hash.
    #[must_use]
    pub fn files(&self) -> BTreeMap<NotePath, ContentHash> {
        self.disk.iter().map(|(path, (hash, _))| (path.clone(), *hash)).collect()
    }

    /// Texts of this client that the server said it has.
    #[must_use]
    pub fn acknowledged(&self) -> &[ContentHash] {
        &self.acknowledged
    }

    /// Paths that wait for a decision.
    #[must_use]
    pub fn open_conflicts(&self) -> Vec<NotePath> {
        self.saved.conflicts.keys().cloned().collect()
    }

    /// Somebody writes a text that nobody wrote before.
    pub fn edit(&mut self, path: &NotePath) {
        self.edits += 1;
        self.write(path, format!("{} of {}", self.edits, self.name));
    }

    /// Somebody empties a file, or makes an empty one.
    pub fn empty(&mut self, path: &NotePath) {
        self.write(path, String::new());
    }

    fn write(&mut self, path: &NotePath, text: String) {
        let hash = ContentHash::of(&text);
        self.known.insert(hash);
        self.own.insert(path.clone());
        self.put(path, Some((hash, text)));
    }

    /// What was at the path is not what survived any more.
    fn put(&mut self, path: &NotePath, file: Option<File>) {
        let old = match file {
            Some(file) => self.disk.insert(path.clone(), file),
            None => self.disk.remove(path),
        };
        if let Some((hash, _)) = old
            && !self.disk.values().any(|(other, _)| *other == hash)
        {
            self.survived.remove(&hash);
        }
    }

    /// Somebody deletes a file.
    pub fn delete(&mut self, path: &NotePath) {
        self.put(path, None);
        self.own.remove(path);
    }

    /// Somebody moves a file over whatever is there.
    pub fn rename(&mut self, from: &NotePath, to: &NotePath) {
        if from != to
            && let Some(file) = self.disk.remove(from)
        {
            self.own.remove(from);
            self.own.insert(to.clone());
            self.disk.insert(to.clone(), file);
        }
    }

    /// Everything that the client remembers is lost, but not its files.
    pub fn lose_state(&mut self) {
        self.own.clear();
        self.survive();
        self.saved = State::new("memory", self.next_origin());
        self.runs += 1;
    }

    /// The name that this client writes under.
    pub(super) fn origin(&self) -> OriginId {
        self.saved.origin.clone()
    }

    /// The name that it would take if it forgot this one.
    pub(super) fn next_origin(&self) -> OriginId {
        OriginId::parse(&format!("client-{}-{}", self.name, self.runs + 1)).unwrap_or_else(|_| unreachable!("the name is short"))
    }

    /// Whether the server knows that a name is this client's.
    pub(super) fn has_written_as(&self, origin: &OriginId) -> bool {
        self.written_as.contains(origin)
    }

    /// The place in the feed is lost.
    pub fn lose_cursor(&mut self) {
        self.saved.cursor = None;
    }

    /// The server knows nothing any more of what came after its backup. What this folder has of it is now nowhere else, and may be sent
    /// again.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub(super) fn server_was_set_back(&mut self, server: &mut Server) -> Result<(), String> {
        self.survive();
        self.written_as.clear();
        let mut kept = Vec::new();
        for hash in self.acknowledged.drain(..) {
            if server.has_text(hash)? {
                kept.push(hash);
            }
        }
        self.acknowledged = kept;
        // Whoever has seen a version has seen what it was made from, and may replace that without having had it here.
        for (note_id, seen) in self.vectors() {
            self.known.extend(server.specified(note_id).filter(|note| seen.has_seen(&note.vector)).map(|note| note.hash));
        }
        Ok(())
    }

    /// What is here and may be sent as new: nobody can tell any more whether it was deleted on the server while nobody remembered. Bringing back a
    /// note that somebody deleted costs that person a second deletion; the other way would cost a text. It ends for a text with the
    /// file that has it, so that a deletion from then on counts again.
    fn survive(&mut self) {
        self.survived.extend(self.disk.values().map(|(hash, _)| *hash).chain(self.kept.keys().copied()));
    }

    /// What this client would claim to have seen of which notes.
    fn vectors(&self) -> Vec<(NoteId, VersionVector)> {
        let entries = self.saved.entries.iter().map(|(_, entry)| (entry.note_id, &entry.version_vector));
        let conflicts = self.saved.conflicts.values().map(|conflict| (conflict.theirs.note_id, &conflict.theirs.version_vector));
        let pending = self.saved.pending.iter().filter_map(|pending| match &pending.request {
            Request::Create { .. } => None,
            Request::Update { note_id, seen, .. } | Request::Delete { note_id, seen } => Some((*note_id, seen)),
        });
        let applying = self.saved.applying.iter().map(|remote| (remote.note_id, &remote.version_vector));
        entries.chain(conflicts).chain(pending).chain(applying).map(|(note_id, seen)| (note_id, seen.clone())).collect()
    }

    fn engine(&mut self) -> Engine {
        self.runs += 1;
        Engine::new(self.saved.clone(), &format!("{:x}", self.runs), false)
    }

    /// Syncs, with one fault. A sync that is cut short is none of the checks' business.
    ///
    /// # Errors
    /// When something was lost, or would be.
    pub fn sync(&mut self, server: &mut Server, fault: Fault) -> Result<(), String> {
        let mut engine = self.engine();
        engine.begin();
        self.drive(&mut engine, server, fault)
    }

    /// Settles a conflict and syncs. One that cannot be settled in this way stays as it is.
    ///
    /// # Errors
    /// As [`Self::sync`].
    pub fn resolve(&mut self, server: &mut Server, path: &NotePath, keep: Keep) -> Result<(), String> {
        let mut engine = self.engine();
        let disk = self.scan();
        let Ok(effects) = engine.resolve(path, keep, &disk) else { return Ok(()) };
        for effect in &effects {
            if self.apply(effect, server)?.is_some() {
                return Ok(());
            }
            // Whoever asks for both as files of their own has written both.
            if let (Keep::Both, Effect::Move { to: path, .. } | Effect::Write { path, .. }) = (keep, effect) {
                self.own.insert(path.clone());
            }
        }
        engine.resolved();
        self.drive(&mut engine, server, Fault::None)
    }

    fn drive(&mut self, engine: &mut Engine, server: &mut Server, fault: Fault) -> Result<(), String> {
        for step in 0..STEPS_MAX {
            match fault {
                Fault::Crash(at) if at == step => return Ok(()),
                Fault::EditBefore(at, which) if at == step => self.edit(&name(which)),
                Fault::DeleteBefore(at, which) if at == step => self.delete(&name(which)),
                _ => {}
            }
            match engine.next_task() {
                Task::Done => {
                    self.conflicts +=
                        engine.take_events().iter().filter(|event| matches!(event, noted_client::engine::Event::Conflict { .. })).count();
                    return Ok(());
                }
                Task::Scan => {
                    let disk = self.scan();
                    engine.scanned(&disk);
                }
                Task::Keep(pending) => {
                    for pending in &pending {
                        self.keep(pending)?;
                    }
                    engine.kept(|pending| pending.request.text().is_none_or(|text| self.kept.contains_key(&text)));
                }
                Task::Save => {
                    self.saved = engine.state().clone();
                    if self.saved.resync == Some(ResyncReason::DatabaseRestored) {
                        // Until all is read again, what was lost cannot be told from what was deleted since.
                        self.survive();
                    }
                    let needed: HashSet<ContentHash> = self.saved.texts().collect();
                    self.kept.retain(|hash, _| needed.contains(hash));
                    engine.saved();
                }
                Task::Send(pending) => {
                    if !self.send(engine, server, &pending, fault)? {
                        return Ok(());
                    }
                }
                Task::Ask(request) => {
                    if let (Some(cursor), Some(saved)) = (request.cursor, self.saved.cursor)
                        && cursor.epoch == saved.epoch
                        && cursor.seq < saved.seq
                    {
                        return Err("the place in the feed went back".to_owned());
                    }
                    match server.page(&request)? {
                        Some(Ok(page)) => engine.page(page),
                        Some(Err(reason)) => engine.resync(reason),
                        None => return Ok(()),
                    }
                }
                Task::Apply(effects) => {
                    let half = effects.len() / 2;
                    let mut found = None;
                    for (done, effect) in effects.iter().enumerate() {
                        if fault == Fault::CrashInside(step) && done == half.max(1) {
                            return Ok(());
                        }
                        found = self.apply(effect, server)?.map(|(path, found)| (done, path, found));
                        if found.is_some() {
                            break;
                        }
                    }
                    match found {
                        Some((done, path, found)) => engine.changed(done, &path, found),
                        None => engine.applied(),
                    }
                }
            }
        }
        Err("a sync never ends".to_owned())
    }

    fn scan(&self) -> Disk {
        let file = |(path, (hash, text)): (&NotePath, &File)| {
            let title = Title::parse("title").unwrap_or_else(|_| unreachable!("a title"));
            (path.clone(), LocalFile { hash: *hash, bytes: text.len() as u64, title, modified: some_time(*hash) })
        };
        Disk { files: self.disk.iter().map(file).collect(), unreadable: BTreeSet::new() }
    }

    fn keep(&mut self, pending: &Pending) -> Result<(), String> {
        let Some(hash) = pending.request.text() else { return Ok(()) };
        if let Some((_, text)) = self.disk.get(&pending.path).filter(|(found, _)| *found == hash) {
            self.kept.insert(hash, text.clone());
            let is_somebodys = self.own.contains(&pending.path) || self.survived.contains(&hash);
            if matches!(pending.request, Request::Create { .. }) && !is_somebodys {
                return Err(format!("{} is about to come back, and nobody has written it", pending.path));
            }
        }
        Ok(())
    }

    /// Sends all that is pending. Answers false when the connection was lost.
    fn send(&mut self, engine: &mut Engine, server: &mut Server, pending: &[Pending], fault: Fault) -> Result<bool, String> {
        for pending in pending {
            if !self.saved.pending.contains(pending) {
                return Err(format!("a request about {} was sent before it was saved", pending.path));
            }
            self.requests += 1;
            if fault == Fault::LostRequest(self.requests % 4) {
                return Ok(false);
            }
            let Some(answer) = self.exchange(server, pending)? else { return Ok(false) };
            if fault == Fault::Twice {
                let again = self.exchange(server, pending)?;
                if matches!(answer, Answer::Written(_) | Answer::Deleted) && again.as_ref().is_some_and(|again| *again != answer) {
                    return Err(format!("the same request had two answers: {answer:?}, {again:?}"));
                }
            }
            if fault == Fault::LostAnswer(self.requests % 4) {
                return Ok(false);
            }
            for effect in engine.answered(&pending.key, &answer) {
                self.apply(&effect, server)?;
            }
        }
        Ok(true)
    }

    fn exchange(&mut self, server: &mut Server, pending: &Pending) -> Result<Option<Answer>, String> {
        let text = match pending.request.text() {
            Some(hash) => {
                Some(self.kept.get(&hash).ok_or_else(|| format!("the text of a request about {} was not kept", pending.path))?.clone())
            }
            None => None,
        };
        let replaced = match note_of(&pending.request) {
            None => None,
            Some(note_id) => server.note(note_id)?,
        };
        self.last_sent = Some((self.origin(), pending.clone(), text.clone()));
        let Some(answer) = server.send(Sender::Client, &self.saved.origin, pending, text.as_deref())? else { return Ok(None) };
        if !matches!(answer, Answer::OriginTaken | Answer::KeyReused) {
            self.written_as.insert(self.origin());
        }
        if let (Answer::Written(_), Some(hash)) = (&answer, pending.request.text()) {
            self.acknowledged.push(hash);
        }
        let is_done = matches!(answer, Answer::Written(_) | Answer::Deleted);
        if let (Some(old), Some(note_id)) = (replaced.filter(|_| is_done), note_of(&pending.request)) {
            let is_replaced = server.note(note_id)?.is_none_or(|note| note.version != old.version);
            // Of a tombstone, its vector is all that anybody is shown. Whoever deleted the note had seen its text, because that was checked here as
            // well; whoever writes the note anew need not have, if the text can still be had.
            let is_settled = old.is_deleted && server.has_text(old.hash)?;
            if is_replaced && !is_settled && !self.known.contains(&old.hash) {
                return Err(format!("{} was replaced by somebody who has not seen its text", pending.path));
            }
        }
        Ok(Some(answer))
    }

    /// Does what the engine wants on the disk, if it finds what the engine expects there. Otherwise answers where it found what.
    fn apply(&mut self, effect: &Effect, server: &mut Server) -> Result<Option<(NotePath, Found)>, String> {
        let found = |path: &NotePath| self.disk.get(path).map_or(Found::Absent, |(hash, _)| Found::Text(*hash));
        match effect {
            Effect::Write { path, text, hash, expected } => {
                let here = found(path);
                if here != *expected {
                    return Ok(Some((path.clone(), here)));
                }
                let text =
                    text.clone().or_else(|| self.kept.get(hash).cloned()).ok_or_else(|| format!("the text for {path} is nowhere"))?;
                self.check_is_safe(path, server)?;
                self.known.insert(*hash);
                self.own.remove(path);
                self.put(path, Some((*hash, text)));
                if self.saved.resync == Some(ResyncReason::DatabaseRestored) {
                    // A crash right after this hides which of two databases it came from, so it may be sent as new.
                    self.survived.insert(*hash);
                }
            }
            Effect::Remove { path, expected } => {
                let here = found(path);
                if here != Found::Text(*expected) {
                    return Ok(Some((path.clone(), here)));
                }
                self.check_is_safe(path, server)?;
                self.own.remove(path);
                self.put(path, None);
            }
            Effect::Move { from, to, expected } => {
                if found(from) != Found::Text(*expected) {
                    return Ok(Some((from.clone(), found(from))));
                } else if found(to) != Found::Absent {
                    return Ok(Some((to.clone(), found(to))));
                }
                if let Some(file) = self.disk.remove(from) {
                    self.disk.insert(to.clone(), file);
                }
                if self.own.remove(from) {
                    self.own.insert(to.clone());
                }
            }
            Effect::Backup { path, text, side } => {
                let text = text.clone().or_else(|| self.disk.get(path).map(|(_, text)| text.clone()));
                if let Some(text) = text {
                    let hash = ContentHash::of(&text);
                    self.known.insert(hash);
                    self.backups.insert(hash);
                    if *side == Side::Noted {
                        self.kept.insert(hash, text);
                    }
                }
            }
        }
        Ok(None)
    }

    /// A text may go from this folder only if it is somewhere else.
    fn check_is_safe(&self, path: &NotePath, server: &mut Server) -> Result<(), String> {
        match self.disk.get(path) {
            Some((hash, text)) if !self.backups.contains(hash) && !server.has_text(*hash)? => {
                Err(format!("the text '{text}' of {path} would be gone for good"))
            }
            _ => Ok(()),
        }
    }
}

fn note_of(request: &Request) -> Option<NoteId> {
    match request {
        Request::Create { .. } => None,
        Request::Update { note_id, .. } | Request::Delete { note_id, .. } => Some(*note_id),
    }
}

/// Some instant between 1970 and 2106: clocks of clients say anything, and nothing may depend on it.
fn some_time(hash: ContentHash) -> Timestamp {
    let [a, b, c, d, ..] = *hash.bytes();
    Timestamp::from_micros(i64::from(u32::from_be_bytes([a, b, c, d])) * 1_000_000).unwrap_or(Timestamp::EPOCH)
}
