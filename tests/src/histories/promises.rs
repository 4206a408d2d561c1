//! What many callers at once must find, and what no single folder can show: promises of the database's functions, each asked for directly.

use futures::future::join_all;
use noted::database;
use noted::local::stack::LocalDatabase;
use noted_client::engine::{Answer, FileFacts, PageRequest, Pending, Remote, Request, Written};
use noted_shared::domain::{ChangeCursor, ContentHash, IdempotencyKey, NotePath, OriginId, Timestamp, Title, VersionVector};
use noted_shared::wire::ResyncReason;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use std::collections::BTreeSet;
use std::str::FromStr;

use super::postgres::{Caller, make_liar, make_workspace};

/// Callers at once.
const CALLERS: usize = 8;
/// Notes that each of them makes.
const NOTES_EACH: usize = 5;

/// Writers of one note, one after the other.
const CROWD: usize = 1_100;
/// Names in a stored vector at most: 65 writers, and one for all others.
const WRITERS_STORED: usize = 66;
/// Versions that a program writes over a person's.
const VERSIONS_ON_TOP: usize = 13;

/// A workspace, and a connection for each caller.
struct Scene {
    caller: Caller,
    owner: PgConnection,
    apps: Vec<PgConnection>,
}

/// A promise's name, and whether it holds.
pub type Promise = (&'static str, Result<(), String>);

/// Asks for each promise.
///
/// # Errors
/// When the database cannot be reached.
pub async fn ask_all(database: &LocalDatabase) -> anyhow::Result<Vec<Promise>> {
    let mut asked = Vec::new();
    let mut scene = Scene::open(database).await?;
    asked.push(("identical creates are one note with one answer", scene.identical_creates().await));
    let mut scene = Scene::open(database).await?;
    asked.push(("of concurrent edits one is taken and all others conflict", scene.concurrent_edits().await));
    let mut scene = Scene::open(database).await?;
    asked.push(("a follower sees concurrent changes exactly once", scene.concurrent_creates().await));
    let mut scene = Scene::open(database).await?;
    asked.push(("a key belongs to one method and path, and to one request", scene.keys_of_requests().await));
    let (mut scene, mut other) = (Scene::open(database).await?, Scene::open(database).await?);
    asked.push(("a key belongs to one workspace", scene.keys_of_workspaces(&mut other).await));
    let mut scene = Scene::open(database).await?;
    asked.push(("an answer is given again although the note has changed since", scene.answers_of_old_requests().await));
    let mut scene = Scene::open(database).await?;
    asked.push(("only a decision that has seen the deletion brings a note back", scene.deleted_notes().await));
    let mut scene = Scene::open(database).await?;
    asked.push(("two live notes never share a path", scene.paths().await));
    let mut scene = Scene::open(database).await?;
    asked.push(("a place from before a collection is refused", scene.collection().await));
    let mut scene = Scene::open(database).await?;
    asked.push(("a place from before a restore is refused", scene.restore().await));
    let mut scene = Scene::open(database).await?;
    asked.push(("a thousand writers leave a small vector, and whoever was behind stays behind", scene.crowd().await));
    let mut scene = Scene::open(database).await?;
    asked.push(("a person's text outlives what others write on top", scene.texts_of_people().await));
    Ok(asked)
}

impl Scene {
    async fn open(database: &LocalDatabase) -> anyhow::Result<Self> {
        let mut owner = database::connect(&database.owner_url).await?;
        let (caller, _) = make_workspace(&mut owner).await?;
        let options = PgConnectOptions::from_str(database.app_url.as_str())?;
        let apps = join_all((0..CALLERS).map(|_| options.connect())).await.into_iter().collect::<Result<_, _>>()?;
        Ok(Self { caller, owner, apps })
    }

    /// Each caller sends one request at the same time as all others.
    async fn all_send(&mut self, requests: &[(OriginId, Pending, String)]) -> Result<Vec<Answer>, String> {
        let caller = &self.caller;
        let sent = self.apps.iter_mut().zip(requests).map(|(app, (origin, pending, text))| caller.send(app, origin, pending, Some(text)));
        join_all(sent).await.into_iter().collect()
    }

    async fn send(&mut self, pending: &Pending, text: Option<&str>) -> Result<Answer, String> {
        self.caller.send(&mut self.apps[0], &origin(0), pending, text).await
    }

    /// All changes behind a place, and where they end.
    async fn changes(&mut self, mut cursor: Option<ChangeCursor>) -> Result<(Vec<Remote>, ChangeCursor), String> {
        let mut changes = Vec::new();
        loop {
            let asked = PageRequest { cursor, include_content: false };
            let page = self.caller.page(&mut self.apps[0], &asked).await?.map_err(|reason| format!("a resync is asked for: {reason:?}"))?;
            changes.extend(page.changes);
            if !page.has_more {
                return Ok((changes, page.next_cursor));
            }
            cursor = Some(page.next_cursor);
        }
    }

    async fn identical_creates(&mut self) -> Result<(), String> {
        let request = (origin(0), create("same-key", "a.md", "text"), "text".to_owned());
        let answers = self.all_send(&vec![request; CALLERS]).await?;
        let is_one = answers.iter().all(|answer| matches!(answer, Answer::Written(_)) && *answer == answers[0]);
        let notes = self.changes(None).await?.0.len();
        check(is_one && notes == 1, || format!("{notes} notes, and the answers {answers:?}"))
    }

    async fn concurrent_edits(&mut self) -> Result<(), String> {
        let first = self.note().await?;
        let edit = |number: usize, seen: &VersionVector| {
            let text = format!("text {number}");
            let request = Request::Update {
                note_id: first.note_id,
                seen: seen.clone(),
                file: facts(&text),
                decided: false,
                merge: false,
                from: None,
            };
            (origin(number), pending(&format!("edit-{number}"), "a.md", request), text)
        };
        let requests: Vec<_> = (1..=CALLERS).map(|number| edit(number, &first.version_vector)).collect();
        let answers = self.all_send(&requests).await?;
        let written: Vec<_> =
            answers.iter().filter_map(|answer| if let Answer::Written(written) = answer { Some(written) } else { None }).collect();
        let conflicts = answers.iter().filter(|answer| matches!(answer, Answer::Conflict(..))).count();
        check(written.len() == 1 && conflicts == CALLERS - 1, || format!("{answers:?}"))?;
        let (origin, after, text) = edit(CALLERS + 1, &written[0].version_vector);
        let answer = self.caller.send(&mut self.apps[0], &origin, &after, Some(&text)).await?;
        check(matches!(&answer, Answer::Written(written) if written.version == 3), || {
            format!("an edit that has seen everything: {answer:?}")
        })
    }

    async fn concurrent_creates(&mut self) -> Result<(), String> {
        let (mut seen, mut cursor) = (Vec::new(), None);
        for round in 0..NOTES_EACH {
            let make = |number: usize| {
                let name = format!("{round}-{number}");
                (origin(number), create(&name, &format!("{name}.md"), &name), name)
            };
            let requests: Vec<_> = (0..CALLERS).map(make).collect();
            let answers = self.all_send(&requests).await?;
            check(answers.iter().all(|answer| matches!(answer, Answer::Written(_))), || format!("{answers:?}"))?;
            let (changes, end) = self.changes(cursor).await?;
            seen.extend(changes.into_iter().map(|change| change.note_id));
            cursor = Some(end);
        }
        let once: BTreeSet<_> = seen.iter().collect();
        let (all, end) = (CALLERS * NOTES_EACH, cursor.map_or(0, |cursor| cursor.seq));
        check(seen.len() == all && once.len() == all && usize::try_from(end) == Ok(all), || {
            format!("{} changes of {} notes up to the place {end}, and {all} were made", seen.len(), once.len())
        })
    }

    async fn keys_of_requests(&mut self) -> Result<(), String> {
        let first = self.note().await?;
        let other = self.send(&create("first", "b.md", "other"), Some("other")).await?;
        check(other == Answer::KeyReused, || format!("another request of the same key: {other:?}"))?;
        let delete = Request::Delete { note_id: first.note_id, seen: first.version_vector };
        let deleted = self.send(&pending("first", "a.md", delete), None).await?;
        let gone = self.changes(None).await?.0.iter().filter(|change| change.hash.is_none()).count();
        check(deleted == Answer::Deleted && gone == 1, || format!("the same key on another path: {deleted:?}, {gone} tombstones"))
    }

    async fn keys_of_workspaces(&mut self, other: &mut Self) -> Result<(), String> {
        let request = create("key", "a.md", "text");
        let (here, there) = (self.send(&request, Some("text")).await?, other.send(&request, Some("text")).await?);
        let (Answer::Written(here), Answer::Written(there)) = (&here, &there) else { return Err(format!("{here:?} and {there:?}")) };
        check(here.note_id != there.note_id, || "a request was answered with a note of another workspace".to_owned())
    }

    async fn answers_of_old_requests(&mut self) -> Result<(), String> {
        let first = self.note().await?;
        let update = update("update", &first, "two", false);
        let answer = self.send(&update, Some("two")).await?;
        let Answer::Written(second) = &answer else { return Err(format!("{answer:?}")) };
        let third = self.send(&self::update("later", second, "three", false), Some("three")).await?;
        check(matches!(third, Answer::Written(_)), || format!("{third:?}"))?;
        let again = self.send(&update, Some("two")).await?;
        check(again == answer, || format!("first {answer:?}, then {again:?}"))
    }

    async fn deleted_notes(&mut self) -> Result<(), String> {
        let mut note = self.note().await?;
        let delete = Request::Delete { note_id: note.note_id, seen: note.version_vector.clone() };
        self.send(&pending("delete", "a.md", delete), None).await?;
        let unseen = self.send(&update("unseen", &note, "two", true), Some("two")).await?;
        let Answer::Gone(_, vector) = &unseen else { return Err(format!("a decision that has not seen the deletion: {unseen:?}")) };
        note.version_vector = vector.clone();
        let undecided = self.send(&update("undecided", &note, "two", false), Some("two")).await?;
        check(matches!(undecided, Answer::Gone(..)), || format!("an update without a decision: {undecided:?}"))?;
        let decided = self.send(&update("decided", &note, "two", true), Some("two")).await?;
        check(matches!(decided, Answer::Written(_)), || format!("a decision that has seen the deletion: {decided:?}"))
    }

    async fn paths(&mut self) -> Result<(), String> {
        let note = self.note().await?;
        let again = self.send(&create("again", "a.md", "other"), Some("other")).await?;
        check(matches!(again, Answer::PathTaken(_)), || format!("a second note of one path: {again:?}"))?;
        self.send(&create("other", "b.md", "other"), Some("other")).await?;
        let mut moved = update("move", &note, "text", false);
        moved.path = NotePath::parse("b.md").map_err(|error| format!("{error:?}"))?;
        let moved = self.send(&moved, Some("text")).await?;
        check(matches!(moved, Answer::PathTaken(_)), || format!("a move to another note's path: {moved:?}"))
    }

    async fn collection(&mut self) -> Result<(), String> {
        let note = self.note().await?;
        let (_, end) = self.changes(None).await?;
        let delete = Request::Delete { note_id: note.note_id, seen: note.version_vector };
        self.send(&pending("delete", "a.md", delete), None).await?;
        let aged = "update noted.notes set deleted_at = deleted_at - interval '31 days'";
        sqlx::query(aged).execute(&mut self.owner).await.map_err(|error| error.to_string())?;
        let collected = sqlx::query("select sync.collect_tombstones($1, 100)").bind(self.caller.workspace).execute(&mut self.owner).await;
        collected.map_err(|error| error.to_string())?;
        let answer = self.caller.page(&mut self.apps[0], &PageRequest { cursor: Some(end), include_content: false }).await?;
        check(answer == Err(ResyncReason::TombstonesCollected), || format!("{answer:?}"))
    }

    /// Each writes once or twice, as clones do that a build makes and throws away.
    async fn crowd(&mut self) -> Result<(), String> {
        let mut note = self.note().await?;
        let mut behind = Vec::new();
        for number in 0..CROWD {
            let text = format!("text {number}");
            let update = update(&format!("crowd-{number}"), &note, &text, false);
            // Every other writer writes twice, so that counters differ.
            let writer = origin(1 + number / 3 * 2 + usize::from(number % 3 == 2));
            let answer = self.caller.send(&mut self.apps[0], &writer, &update, Some(&text)).await?;
            let Answer::Written(written) = answer else { return Err(format!("writer {number} was answered {answer:?}")) };
            behind.push(std::mem::replace(&mut note, written));
        }
        let named = serde_json::to_value(&note.version_vector).map_err(|error| error.to_string())?;
        let named = named.as_object().map_or(0, serde_json::Map::len);
        check(named <= WRITERS_STORED, || format!("{named} writers are stored"))?;
        for old in behind.iter().step_by(37) {
            let key = format!("behind-{}", old.version);
            let answer = self.send(&update(&key, old, "late", false), Some("late")).await?;
            check(matches!(answer, Answer::Conflict(..)), || format!("who had version {} was answered {answer:?}", old.version))?;
        }
        // A new writer, and one whose counter has left the vector.
        for (number, key) in [(CROWD + 1, "new"), (1, "returned")] {
            let answer = self.caller.send(&mut self.apps[0], &origin(number), &update(key, &note, key, false), Some(key)).await?;
            let Answer::Written(written) = answer else { return Err(format!("writer {number} was answered {answer:?}")) };
            let is_after = written.version_vector.has_seen(&note.version_vector) && !note.version_vector.has_seen(&written.version_vector);
            check(is_after, || format!("{:?} does not come after {:?}", written.version_vector, note.version_vector))?;
            note = written;
        }
        Ok(())
    }

    async fn texts_of_people(&mut self) -> Result<(), String> {
        let first = self.note().await?;
        let answer = self.send(&update("again", &first, "another text", false), Some("another text")).await?;
        let Answer::Written(mut note) = answer else { return Err(format!("{answer:?}")) };
        let program = make_liar(&mut self.owner, &self.caller).await.map_err(|error| error.to_string())?;
        for number in 0..VERSIONS_ON_TOP {
            let text = format!("text {number}");
            let update = update(&format!("program-{number}"), &note, &text, false);
            let answer = program.send(&mut self.apps[0], &origin(1), &update, Some(&text)).await?;
            let Answer::Written(written) = answer else { return Err(format!("{answer:?}")) };
            note = written;
        }
        let kept = "select count(*), count(*) filter (where content = 'text') from noted.note_revisions";
        let (all, persons): (i64, i64) = sqlx::query_as(kept).fetch_one(&mut self.owner).await.map_err(|error| error.to_string())?;
        check(persons == 1, || "the person's first text is gone".to_owned())?;
        check(all <= 12, || format!("{all} texts are kept, and ten are promised of a program's"))
    }

    async fn note(&mut self) -> Result<Written, String> {
        match self.send(&create("first", "a.md", "text"), Some("text")).await? {
            Answer::Written(written) => Ok(written),
            other => Err(format!("no note was made: {other:?}")),
        }
    }

    async fn restore(&mut self) -> Result<(), String> {
        self.send(&create("key", "a.md", "text"), Some("text")).await?;
        let (_, end) = self.changes(None).await?;
        let restored = sqlx::query("update noted.workspaces set epoch = noted.new_id()").execute(&mut self.owner).await;
        restored.map_err(|error| error.to_string())?;
        let answer = self.caller.page(&mut self.apps[0], &PageRequest { cursor: Some(end), include_content: false }).await?;
        check(answer == Err(ResyncReason::DatabaseRestored), || format!("{answer:?}"))
    }
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn origin(number: usize) -> OriginId {
    OriginId::parse(&format!("caller-{number}")).unwrap_or_else(|_| unreachable!("the name is short"))
}

fn facts(text: &str) -> FileFacts {
    let title = Title::parse("title").unwrap_or_else(|_| unreachable!("a title"));
    FileFacts { hash: ContentHash::of(text), title, modified: Timestamp::EPOCH }
}

fn create(key: &str, path: &str, text: &str) -> Pending {
    pending(key, path, Request::Create { file: facts(text) })
}

fn update(key: &str, note: &Written, text: &str, decided: bool) -> Pending {
    let (note_id, seen, file) = (note.note_id, note.version_vector.clone(), facts(text));
    pending(key, "a.md", Request::Update { note_id, seen, file, decided, merge: false, from: None })
}

fn pending(key: &str, path: &str, request: Request) -> Pending {
    let key = IdempotencyKey::parse(key).unwrap_or_else(|_| unreachable!("the key is visible ASCII"));
    let path = NotePath::parse(path).unwrap_or_else(|_| unreachable!("the name is a path"));
    Pending { key, path, request }
}
