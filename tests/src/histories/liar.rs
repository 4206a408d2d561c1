//! Somebody with a key of the same workspace who tells the server whatever helps to do harm.
//!
//! What honest clients are promised holds beside them. So each lie says here what must come of it, and the history goes on: whatever the lie has
//! done, everybody must agree in the end and nobody may have lost a text.

use noted_client::engine::{Answer, FileFacts, PageRequest, Pending, Remote, Request};
use noted_shared::domain::{ChangeCursor, ContentHash, IdempotencyKey, NoteId, NotePath, OriginId, Timestamp, Title, VersionVector};
use noted_shared::limits::COUNTER_MAX;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::client::{Client, name};
use super::server::{Sender, Server};

/// What a liar can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// To have seen more changes than there were: so many more, of a client's, of nobody's or of all that are not named.
    Ahead(u64, Whose),
    /// To have seen everything, and then replaces the text.
    SeenAll,
    /// To have seen everything, and then deletes the note.
    SeenAllAndDelete,
    /// To have seen nothing.
    SeenNothing,
    /// To be a client.
    Another,
    /// To be who a client will be when it has forgotten everything.
    NextOne,
    /// A client's last request once more.
    Again,
    /// The same, with another text.
    AgainWithOtherText,
    /// The hash of another text.
    Hash,
    /// The id of a note that never was.
    Id,
    /// A place in the feed that was never given out: so far behind the last one.
    Cursor(i64),
}

/// Whose counter is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A client's.
    Clients,
    /// That of a writer who never wrote.
    Nobodys,
    /// That of all who are not named.
    AllOthers,
}

/// The liar.
#[derive(Debug, Default)]
pub(super) struct Liar {
    lies: usize,
}

impl Liar {
    /// Tells a lie, about the note at `which` and the client `whom`.
    pub(super) fn tell(&mut self, lie: Lie, which: usize, whom: &Client, server: &mut Server) -> Result<(), String> {
        self.lies += 1;
        let text = format!("lie {}", self.lies);
        let Some(notes) = self.read(server)? else { return Ok(()) };
        let before = server.seq()?;
        let is_harmless = match lie {
            Lie::Cursor(behind) => return self.forge_cursor(behind, server),
            Lie::Again | Lie::AgainWithOtherText => {
                let Some((origin, mut pending, sent)) = whom.last_sent.clone() else { return Ok(()) };
                // Otherwise the name is anybody's, and this the first request that ever came.
                if !whom.has_written_as(&origin) {
                    return Ok(());
                }
                let is_same = lie == Lie::Again || sent.is_none();
                let sent = if is_same { sent } else { Some(text) };
                if let (false, Some(sent), Request::Create { file } | Request::Update { file, .. }) = (is_same, &sent, &mut pending.request)
                {
                    file.hash = ContentHash::of(sent);
                }
                server.send(Sender::Liar, &origin, &pending, sent.as_deref())?;
                // Whether it was done before or not, it is not done now.
                true
            }
            Lie::NextOne => {
                let pending = self.request(&NotePath::parse("lies.md").map_err(|wrong| wrong.reason.to_string())?, create(&text));
                server.send(Sender::Liar, &whom.next_origin(), &pending, Some(&text))?;
                false
            }
            _ => {
                let path = name(which);
                let Some(note) = notes.iter().find(|note| note.path.as_ref() == Some(&path) && note.hash.is_some()) else { return Ok(()) };
                return self.lie_about(lie, note, &path, whom, server, &text);
            }
        };
        check(!is_harmless || server.seq()? == before, || format!("{lie:?} changed something"))
    }

    fn lie_about(&self, lie: Lie, note: &Remote, path: &NotePath, whom: &Client, server: &mut Server, text: &str) -> Result<(), String> {
        let before = server.seq()?;
        let (mut origin, mut seen, mut file, mut note_id) = (own(), note.version_vector.clone(), facts(text), note.note_id);
        match lie {
            Lie::Ahead(by, whose) => seen = ahead(&seen, by, whose, &whom.origin())?,
            Lie::SeenNothing => seen = VersionVector::default(),
            Lie::Another => origin = whom.origin(),
            Lie::Hash => file.hash = ContentHash::of("another text"),
            Lie::Id => note_id = NoteId::from(Uuid::from_u128(u128::MAX - 1)),
            _ => {}
        }
        let request = match lie {
            Lie::SeenAllAndDelete => Request::Delete { note_id, seen },
            // Every other time.
            Lie::Ahead(..) if self.lies.is_multiple_of(2) => Request::Delete { note_id, seen },
            _ => Request::Update { note_id, seen, file, decided: true, merge: false, from: None },
        };
        let pending = self.request(path, request);
        let Some(answer) = server.send(Sender::Liar, &origin, &pending, pending.request.text().map(|_| text))? else { return Ok(()) };
        let is_right = match lie {
            Lie::Ahead(..) => answer == Answer::UnknownVersion,
            Lie::SeenNothing => matches!(answer, Answer::Conflict(..) | Answer::Gone(..)),
            Lie::Hash => matches!(answer, Answer::Refused(_)),
            Lie::Id => answer == Answer::NotFound,
            // A name that its client has never written under is anybody's.
            Lie::Another => answer == Answer::OriginTaken || !whom.has_written_as(&origin),
            _ => true,
        };
        check(is_right, || format!("{lie:?} was answered {answer:?}"))?;
        let may_change = matches!(lie, Lie::SeenAll | Lie::SeenAllAndDelete) || lie == Lie::Another && answer != Answer::OriginTaken;
        check(may_change || server.seq()? == before, || format!("{lie:?} changed something"))
    }

    /// All notes, as anybody reads them who may; nothing when the connection was lost.
    fn read(&self, server: &mut Server) -> Result<Option<Vec<Remote>>, String> {
        let (mut notes, mut cursor) = (Vec::new(), None);
        loop {
            let Some(page) = server.page(&PageRequest { cursor, include_content: false })? else { return Ok(None) };
            let page = page.map_err(|reason| format!("the beginning of the feed cannot be read: {reason:?}"))?;
            notes.extend(page.changes);
            if !page.has_more {
                return Ok(Some(notes));
            }
            cursor = Some(page.next_cursor);
        }
    }

    /// A place that was never given out is answered as any other or refused; what comes of it is compared where there is a specification.
    fn forge_cursor(&self, behind: i64, server: &mut Server) -> Result<(), String> {
        let Some(Ok(page)) = server.page(&PageRequest { cursor: None, include_content: false })? else { return Ok(()) };
        let ChangeCursor { seq, floor, .. } = page.next_cursor;
        let forged =
            ChangeCursor { seq: seq.saturating_add(behind).max(0), floor: floor.saturating_add(behind).max(0), ..page.next_cursor };
        server.page(&PageRequest { cursor: Some(forged), include_content: true }).map(drop)
    }

    fn request(&self, path: &NotePath, request: Request) -> Pending {
        let key = IdempotencyKey::parse(&format!("lie.{}", self.lies)).unwrap_or_else(|_| unreachable!("the key is visible ASCII"));
        Pending { key, path: path.clone(), request }
    }
}

/// A vector that claims more than was given out.
fn ahead(seen: &VersionVector, by: u64, whose: Whose, client: &OriginId) -> Result<VersionVector, String> {
    let name = match whose {
        Whose::Clients => client.as_str(),
        Whose::Nobodys => "nobody",
        Whose::AllOthers => "~",
    };
    let mut counters: Map<String, Value> = match serde_json::to_value(seen) {
        Ok(Value::Object(counters)) => counters,
        other => return Err(format!("a vector is written as {other:?}")),
    };
    let forged = seen.get(name).saturating_add(by).min(COUNTER_MAX);
    counters.insert(name.to_owned(), forged.into());
    VersionVector::parse(counters.into()).map_err(|wrong| wrong.reason.to_string())
}

fn own() -> OriginId {
    OriginId::parse("liar").unwrap_or_else(|_| unreachable!("the name is short"))
}

fn facts(text: &str) -> FileFacts {
    let title = Title::parse("title").unwrap_or_else(|_| unreachable!("a title"));
    FileFacts { hash: ContentHash::of(text), title, modified: Timestamp::EPOCH }
}

fn create(text: &str) -> Request {
    Request::Create { file: facts(text) }
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
