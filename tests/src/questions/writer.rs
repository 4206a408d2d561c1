//! Somebody who creates, edits, moves, deletes and restores notes by every door, and writes down what each of them says.
//!
//! A note has one writer, so that what it says next is known before it is sent; a workspace has several.

use anyhow::{Result, bail, ensure};
use fastrand::Rng;
use noted_shared::domain::ContentHash;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::Workspace;
use super::ledger::Version;
use super::text::{Text, common_words};
use crate::client::{Answer, id_of, note_in, note_update, tag_of};

/// Live notes of one writer at least and at most.
const LIVE: std::ops::Range<usize> = 4..16;
/// Folders that editors have.
const TOPS: [&str; 3] = ["docs", "docs/old", "src"];

/// One hand in a workspace.
pub(super) struct Writer<'a> {
    workspace: &'a Workspace,
    random: Rng,
    /// As the server last answered them.
    live: Vec<Value>,
    deleted: Vec<Value>,
    writes: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(workspace: &'a Workspace, seed: u64) -> Self {
        Self { workspace, random: Rng::with_seed(seed), live: Vec::new(), deleted: Vec::new(), writes: 0 }
    }

    /// Writes as often as it gets a turn, and tells the worker each time. Answers how often.
    pub(super) async fn run(mut self, turns: &Semaphore, worker: &tokio::sync::Notify) -> Result<usize> {
        while let Ok(turn) = turns.acquire().await {
            turn.forget();
            self.write().await?;
            self.writes += 1;
            worker.notify_one();
        }
        Ok(self.writes)
    }

    async fn write(&mut self) -> Result<()> {
        if self.live.len() < LIVE.start {
            return self.create().await;
        }
        match self.random.u8(..100) {
            0..16 if self.live.len() < LIVE.end => self.create().await,
            16..26 => self.rename().await,
            26..38 => self.move_elsewhere().await,
            38..52 => self.delete().await,
            52..66 if !self.deleted.is_empty() => self.restore().await,
            66..72 => self.go_back().await,
            72..82 => self.replace().await,
            _ => self.edit().await,
        }
    }

    async fn create(&mut self) -> Result<()> {
        let text = self.new_text();
        let title = self.new_title();
        let path = self.random.bool().then(|| self.new_path());
        let folder = if path.is_none() && self.random.bool() { Some(self.workspace.folder) } else { None };
        let (client, ledger) = (&self.workspace.client, &self.workspace.ledger);
        let _creating = ledger.creating.read().await;
        let version = Version::new(title, text, path, folder);
        let answer = match &version.path {
            Some(path) => {
                let mut body = note_in(path, version.text.whole());
                body["title"] = json!(version.title);
                client.create(&body).await
            }
            None => {
                let body = json!({ "title": version.title, "content": version.text.whole(), "folder_id": folder });
                client.post("/v1/notes", &body).await
            }
        };
        let note = note_of(&answer, 201)?;
        ledger.created(id(&note), version);
        self.live.push(note);
        Ok(())
    }

    /// Another text, by an editor or over the resource; what was cut before is cut again.
    async fn edit(&mut self) -> Result<()> {
        let place = self.random.usize(..self.live.len());
        let mut version = self.last(place)?;
        version.text = version.text.edited(&mut self.random, || self.workspace.new_word());
        let by_editor = version.path.is_some() && self.random.bool();
        let text = version.text.clone();
        self.change(place, version, async |workspace, note| {
            if by_editor {
                workspace.client.update(id_of(note), &note_update(note, text.whole())).await
            } else {
                patch(workspace, note, &json!({ "content": text.whole() })).await
            }
        })
        .await
    }

    /// Title, text, path and folder at once: nothing of it comes out of the database.
    async fn replace(&mut self) -> Result<()> {
        let place = self.random.usize(..self.live.len());
        let mut version = self.last(place)?;
        version.text = self.new_text();
        (version.title, version.title_word) = self.new_title();
        version.is_found_at_once = true;
        let body = json!({
            "title": version.title, "content": version.text.whole(), "content_sha256": ContentHash::of(version.text.whole()),
            "ide_file_path": version.path, "folder_id": version.folder, "note_type": version.kind,
        });
        self.change(place, version, async |workspace, note| workspace.client.write(Method::PUT, &path_of(note), &tag_of(note), &body).await)
            .await
    }

    async fn rename(&mut self) -> Result<()> {
        let place = self.random.usize(..self.live.len());
        let mut version = self.last(place)?;
        (version.title, version.title_word) = self.new_title();
        let body = json!({ "title": version.title });
        self.change(place, version, async |workspace, note| patch(workspace, note, &body).await).await
    }

    /// To another path, or into the folder and out of it.
    async fn move_elsewhere(&mut self) -> Result<()> {
        let place = self.random.usize(..self.live.len());
        let mut version = self.last(place)?;
        let body = if version.path.is_some() {
            version.path = Some(self.new_path());
            json!({ "ide_file_path": version.path })
        } else {
            version.folder = if version.folder.is_some() { None } else { Some(self.workspace.folder) };
            json!({ "folder_id": version.folder })
        };
        self.change(place, version, async |workspace, note| patch(workspace, note, &body).await).await
    }

    async fn delete(&mut self) -> Result<()> {
        let note = self.live.swap_remove(self.random.usize(..self.live.len()));
        let (client, ledger) = (&self.workspace.client, &self.workspace.ledger);
        let last = ledger.last(id(&note))?;
        ledger.sending(id(&note), Version { number: last.number + 1, is_live: false, ..last });
        let answer = match self.random.bool() {
            true => client.delete(id_of(&note)).await,
            false => client.write(Method::DELETE, &path_of(&note), &tag_of(&note), &json!({})).await,
        };
        ensure!(answer.status == 200, "a deletion was answered with {}: {}", answer.status, answer.body);
        ledger.answered(id(&note));
        self.deleted.push(note);
        Ok(())
    }

    /// Brings a note back. Its text comes out of the database, so its words are found when the worker has been there.
    async fn restore(&mut self) -> Result<()> {
        let note = self.deleted.swap_remove(self.random.usize(..self.deleted.len()));
        let last = self.workspace.ledger.last(id(&note))?;
        let place = self.live.len();
        self.live.push(note);
        let version = Version { is_live: true, is_found_at_once: false, ..last };
        self.change(place, version, async |workspace, note| workspace.client.post(&format!("{}/restore", path_of(note)), &json!({})).await)
            .await
    }

    /// Back to the text and title that an edit has replaced.
    async fn go_back(&mut self) -> Result<()> {
        let place = self.random.usize(..self.live.len());
        let version = self.last(place)?;
        let Some(old) = self.workspace.ledger.replaced(id(&self.live[place])) else { return self.edit().await };
        if (&old.text, &old.title) == (&version.text, &version.title) {
            return self.edit().await;
        }
        let number = old.number;
        let version = Version { title: old.title, title_word: old.title_word, text: old.text, is_found_at_once: false, ..version };
        self.change(place, version, async |workspace, note| {
            workspace.client.post(&format!("{}/restore/{number}", path_of(note)), &json!({})).await
        })
        .await
    }

    /// Sends a change of a live note, and sees that it became what was said.
    async fn change(&mut self, place: usize, next: Version, send: impl AsyncFnOnce(&Workspace, &Value) -> Answer) -> Result<()> {
        let (note, ledger) = (&self.live[place], &self.workspace.ledger);
        let (note_id, number) = (id(note), next.number + 1);
        ledger.sending(note_id, Version { number, ..next });
        let changed = note_of(&send(self.workspace, note).await, 200)?;
        ensure!(changed["version"] == number, "version {number} was expected: {changed}");
        ledger.answered(note_id);
        self.live[place] = changed;
        Ok(())
    }

    fn last(&self, place: usize) -> Result<Version> {
        self.workspace.ledger.last(id(&self.live[place]))
    }

    fn new_text(&mut self) -> Text {
        Text::new(&mut self.random, || self.workspace.new_word())
    }

    /// A title, and the word that only it has.
    fn new_title(&mut self) -> (String, String) {
        let word = self.workspace.new_word();
        (format!("About {} {word}", common_words(&mut self.random, 1)), word)
    }

    fn new_path(&mut self) -> String {
        format!("{}/{}.md", TOPS[self.random.usize(..TOPS.len())], self.workspace.new_word())
    }
}

async fn patch(workspace: &Workspace, note: &Value, body: &Value) -> Answer {
    workspace.client.write(Method::PATCH, &path_of(note), &tag_of(note), body).await
}

fn note_of(answer: &Answer, status: u16) -> Result<Value> {
    if answer.status != status {
        bail!("a write was answered with {}: {}", answer.status, answer.body);
    }
    Ok(answer.json()["data"]["note"].clone())
}

fn id(note: &Value) -> Uuid {
    id_of(note).parse().unwrap_or_else(|error| panic!("{error}: {note}"))
}

fn path_of(note: &Value) -> String {
    format!("/v1/notes/{}", id_of(note))
}
