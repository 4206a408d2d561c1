//! Every door at once: whoever changes something takes its locks in one order, so that nobody ever waits for one another in a circle.
//!
//! A few people go through random doors of two workspaces, always about the same few notes and folders, while the worker and the collector go their
//! rounds. PostgreSQL counts the circles that it had to break.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;
use futures::future::join_all;
use noted::keys::{KeyKind, KeyRequest};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::client::{Client, ORIGIN, id_of, item, note_update, try_send};
use crate::routes::{KEYED, SCOPES};
use crate::world::World;

const WORKSPACES: usize = 2;
/// People of each workspace.
const PEOPLE: usize = 6;
/// Notes and folders of each workspace: few, so that people meet.
const NOTES: usize = 8;
const FOLDERS: usize = 3;
/// How long PostgreSQL may take to tell what it counted.
const STATISTICS_PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Knocked {
    /// Answers by their status.
    pub answers: BTreeMap<u16, usize>,
    /// Circles of waiting that PostgreSQL broke.
    pub deadlocks: i64,
    /// Rounds of the worker.
    pub rounds: usize,
}

impl fmt::Display for Knocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answers: Vec<String> = self.answers.iter().map(|(status, count)| format!("{count} × {status}")).collect();
        write!(f, "{} deadlocks in {} rounds of the worker and these answers: {}", self.deadlocks, self.rounds, answers.join(", "))
    }
}

struct Workspace {
    client: Client,
    /// As they were in the beginning.
    notes: Vec<Value>,
    folders: Vec<String>,
    /// Conflicts that were told, each with the vector that settles it.
    conflicts: Mutex<Vec<(String, Value)>>,
}

/// Goes through all doors for so long.
///
/// # Errors
/// When an answer is a fault of the server, or when nobody met anybody.
pub async fn knock(world: &World, seed: u64, length: Duration, tell: impl Fn()) -> Result<Knocked> {
    let mut workspaces = Vec::new();
    for _ in 0..WORKSPACES {
        workspaces.push(Workspace::open(world).await?);
    }
    let mut superuser = world.superuser().await;
    let before = deadlocks(&mut superuser).await?;
    let end = Instant::now() + length;
    let people = (0..WORKSPACES * PEOPLE).map(|number| {
        let (workspace, tell) = (&workspaces[number % WORKSPACES], &tell);
        let mut random = Rng::with_seed(seed ^ (number as u64 + 1) << 32);
        async move {
            let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
            while Instant::now() < end {
                *answers.entry(workspace.go_through(&mut random).await?).or_default() += 1;
                tell();
            }
            anyhow::Ok(answers)
        }
    });
    let worker = async {
        let mut rounds = 0;
        while Instant::now() < end {
            world.run_round().await;
            for workspace in &workspaces {
                let mut owner = world.inside(&workspace.client).await;
                sqlx::query("update noted.workspaces set collect_at = now()").execute(&mut owner).await?;
            }
            world.run_collection().await;
            rounds += 1;
        }
        anyhow::Ok(rounds)
    };
    let (answered, rounds) = tokio::join!(join_all(people), worker);
    let mut knocked = Knocked { rounds: rounds?, ..Knocked::default() };
    for answers in answered {
        for (status, count) in answers? {
            *knocked.answers.entry(status).or_default() += count;
        }
    }
    knocked.deadlocks = deadlocks(&mut superuser).await? - before;
    let count = |from: u16, to: u16| knocked.answers.range(from..to).map(|(_, count)| count).sum::<usize>();
    ensure!(count(500, 503) == 0, "an answer is a fault of the server: {knocked}");
    ensure!(count(503, 600) * 50 <= count(200, 600), "more than one in fifty was not served: {knocked}");
    ensure!(count(200, 300) > count(400, 600), "people were refused more often than not, so that they hardly met: {knocked}");
    Ok(knocked)
}

/// How many circles PostgreSQL has broken in the database, everything told that has ended.
///
/// # Errors
/// When it does not tell.
pub async fn deadlocks(superuser: &mut PgConnection) -> Result<i64> {
    // Sessions tell what they counted when they are idle, after a second at the latest.
    let busy = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    let deadline = Instant::now() + STATISTICS_PATIENCE;
    while sqlx::query_scalar::<_, bool>(busy).fetch_one(&mut *superuser).await? {
        ensure!(Instant::now() < deadline, "somebody still waits for a lock");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    Ok(sqlx::query_scalar("select deadlocks from pg_stat_database where datname = current_database()").fetch_one(superuser).await?)
}

impl Workspace {
    async fn open(world: &World) -> Result<Self> {
        let scopes = SCOPES.map(str::to_owned).to_vec();
        let client = world.tenant_with(|request| KeyRequest { kind: KeyKind::User, scopes, ..request }).await;
        client.request(Method::PATCH, "/v1/workspace/settings").json(&json!({ "ai_processing": true })).send().await?;
        let mut folders = Vec::new();
        for number in 0..FOLDERS {
            let made = client.post("/v1/folders", &json!({ "name": format!("folder {number}") })).await.data(201);
            folders.push(made["folder"]["id"].as_str().context("a folder has an id")?.to_owned());
        }
        let mut notes = Vec::new();
        for number in 0..NOTES {
            notes.push(client.note(&path(number), &format!("text {number}")).await);
        }
        Ok(Self { client, notes, folders, conflicts: Mutex::default() })
    }

    /// Goes through one door, and answers with which status it came back.
    async fn go_through(&self, random: &mut Rng) -> Result<u16> {
        let note = &self.notes[random.usize(..NOTES)];
        let of_note = format!("/v1/notes/{}", id_of(note));
        let folder = &self.folders[random.usize(..FOLDERS)];
        let text = format!("text {}", random.u32(..1_000_000));
        let (method, path, body) = match random.u8(..14) {
            0 => (Method::PATCH, of_note, json!({ "content": text })),
            1 => (Method::PATCH, of_note, json!({ "title": text, "folder_id": folder })),
            2 => (Method::DELETE, of_note, Value::Null),
            3 => (Method::POST, format!("{of_note}/restore"), Value::Null),
            4 => return self.restore_all(random).await,
            5 | 6 => (Method::POST, "/v1/ide-sync/batch".to_owned(), json!({ "notes": self.batch(random) })),
            7 => return self.contradict(note, &text).await,
            8 => return self.settle(random).await,
            9 => (Method::PATCH, format!("/v1/folders/{folder}"), self.moved(random)),
            10 => (Method::POST, "/v1/embeddings/backfill".to_owned(), Value::Null),
            11 => (Method::PATCH, "/v1/workspace/settings".to_owned(), json!({ "ai_processing": random.bool() })),
            12 => (Method::POST, "/v1/agent/write-note".to_owned(), agents(&text, note)),
            _ => {
                let door = KEYED[random.usize(..KEYED.len())];
                return self.answer(door.request(&self.client, id_of(note))).await.map(|(status, _)| status);
            }
        };
        let request = self.client.request(method, &path).header("Idempotency-Key", Uuid::new_v4().to_string());
        let request =
            if path.ends_with("/batch") || path.ends_with("/write-note") { request.header("X-Sync-Origin", ORIGIN) } else { request };
        let request = if path.starts_with("/v1/notes/") && !path.ends_with("/restore") { request.header("If-Match", "*") } else { request };
        let request = if body.is_null() { request } else { request.json(&body) };
        self.answer(request).await.map(|(status, _)| status)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<(u16, Value)> {
        let Some(answer) = try_send(request).await else { bail!("a connection was lost") };
        Ok((answer.status, serde_json::from_str(&answer.body).unwrap_or_default()))
    }

    /// Brings the notes back, in any order.
    async fn restore_all(&self, random: &mut Rng) -> Result<u16> {
        let mut ids: Vec<&str> = self.notes.iter().map(id_of).collect();
        random.shuffle(&mut ids);
        let request = self.client.request(Method::POST, "/v1/trash/restore").json(&json!({ "note_ids": ids }));
        self.answer(request).await.map(|(status, _)| status)
    }

    /// New notes, and a change of one that is there, in any order.
    fn batch(&self, random: &mut Rng) -> Vec<Value> {
        let new = (0..10).map(|_| (format!("batch/{}.md", random.u32(..)), format!("text {}", random.u8(..))));
        let mut items: Vec<Value> = new.map(|(path, text)| item(&path, &text)).collect();
        let note = &self.notes[random.usize(..NOTES)];
        let mut change = note_update(note, &format!("text {}", random.u8(..)));
        change["note_id"] = note["id"].clone();
        change["idempotency_key"] = json!(Uuid::new_v4());
        items.push(change);
        random.shuffle(&mut items);
        items
    }

    /// Writes without having seen what is there.
    async fn contradict(&self, note: &Value, text: &str) -> Result<u16> {
        let body = note_update(note, text);
        let request = self.client.request(Method::PUT, &format!("/v1/ide-sync/update/{}", id_of(note)));
        let (status, answer) = self.answer(request.header("Idempotency-Key", Uuid::new_v4().to_string()).json(&body)).await?;
        let details = &answer["errors"][0]["details"];
        if let Some(id) = details["conflict_id"].as_str().filter(|_| details["remote_vector"].is_object()) {
            self.conflicts.lock().await.push((id.to_owned(), details["remote_vector"].clone()));
        }
        Ok(status)
    }

    async fn settle(&self, random: &mut Rng) -> Result<u16> {
        let Some((id, vector)) = self.conflicts.lock().await.pop() else { return self.contradict(&self.notes[0], "text").await };
        let strategy = ["keep_ide", "keep_noted", "create_both"][random.usize(..3)];
        let body = json!({ "strategy": strategy, "sync_origin_id": ORIGIN, "version_vector": vector });
        let request = self.client.request(Method::POST, &format!("/v1/conflicts/{id}/resolve"));
        let request = request.header("Idempotency-Key", Uuid::new_v4().to_string()).json(&body);
        self.answer(request).await.map(|(status, _)| status)
    }

    /// Another place in the tree, which may be none.
    fn moved(&self, random: &mut Rng) -> Value {
        let parent = self.folders.get(random.usize(..=FOLDERS));
        json!({ "parent_id": parent })
    }
}

fn path(number: usize) -> String {
    format!("{number}.md")
}

fn agents(text: &str, note: &Value) -> Value {
    let metadata = json!({ "agent_model": "model", "allow_duplicate": true });
    json!({ "content": format!("What an agent wrote about it, and that is long enough: {text}."), "note_id": id_of(note), "if_version": note["version"], "metadata": metadata })
}
