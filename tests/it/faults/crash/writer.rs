//! Somebody who writes notes, remembers every answer, and repeats what was not answered: what must be stored is known here.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fastrand::Rng;
use noted_tests::client::{Answer, Client, id_of, note_in, note_update};
use reqwest::Method;
use serde_json::Value;

/// Far fewer than the server keeps, so that every text of a note is still there in the end.
const TEXTS_OF_A_NOTE_MAX: usize = 8;
const TEXT_BYTES_MAX: usize = 16 << 10;

/// Something to be done once, however often it is asked for.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) key: String,
    /// Which of the writer's notes; one past the last is a new one.
    note: usize,
    text: String,
    body: Value,
}

/// A note as it must be.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) path: String,
    /// Every text it had, the oldest first.
    pub(super) texts: Vec<String>,
    /// As the server last answered it.
    pub(super) note: Value,
}

/// One writer in a workspace of several.
#[derive(Debug)]
pub(super) struct Writer {
    name: String,
    pub(super) client: Client,
    random: Rng,
    pub(super) notes: Vec<Written>,
    /// The key of each change that was answered, and the note it was about.
    pub(super) done: Vec<(String, String)>,
    /// What was sent and not answered.
    pub(super) pending: Option<Change>,
}

impl Writer {
    pub(super) fn new(name: String, client: Client, random: Rng) -> Self {
        Self { name, client, random, notes: Vec::new(), done: Vec::new(), pending: None }
    }

    /// Writes until an answer is missing, or it is over.
    pub(super) async fn write(&mut self, acknowledged: &AtomicUsize, over: &AtomicBool) {
        while self.pending.is_none() && !over.load(Ordering::Relaxed) {
            let change = self.think();
            match self.send(&change).await {
                Some(answer) => {
                    self.accept(change, &answer);
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                None => self.pending = Some(change),
            }
        }
    }

    /// Asks for a change. `None` when the answer is lost, or says to try again.
    pub(super) async fn send(&self, change: &Change) -> Option<Answer> {
        let request = match self.notes.get(change.note) {
            Some(written) => self.client.request(Method::PUT, &format!("/v1/ide-sync/update/{}", id_of(&written.note))),
            None => self.client.request(Method::POST, "/v1/ide-sync/create"),
        };
        let response = request.header("Idempotency-Key", &change.key).json(&change.body).send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { status, headers, body: response.text().await.ok()? };
        assert!(matches!(status, 200 | 201 | 503), "{}: {status} {}", change.key, answer.body);
        (status != 503).then_some(answer)
    }

    /// Remembers what was answered.
    pub(super) fn accept(&mut self, change: Change, answer: &Answer) {
        let note = answer.json()["data"]["note"].clone();
        self.done.push((change.key, id_of(&note).to_owned()));
        match self.notes.get_mut(change.note) {
            Some(written) => {
                assert_eq!(id_of(&note), id_of(&written.note), "an update is about its note");
                written.texts.push(change.text);
                written.note = note;
            }
            None => self.notes.push(Written { path: note_path(&note), texts: vec![change.text], note }),
        }
    }

    /// What to do next: a new note, or another text for one that can take it.
    fn think(&mut self) -> Change {
        let key = format!("{}-{}", self.name, self.done.len());
        let text = format!("{key} {}", "x".repeat(self.random.usize(..TEXT_BYTES_MAX)));
        let growing: Vec<usize> = (0..self.notes.len()).filter(|&note| self.notes[note].texts.len() < TEXTS_OF_A_NOTE_MAX).collect();
        if growing.is_empty() || self.random.u8(..3) == 0 {
            let body = note_in(&format!("{key}.md"), &text);
            return Change { key, note: self.notes.len(), text, body };
        }
        let note = growing[self.random.usize(..growing.len())];
        let body = note_update(&self.notes[note].note, &text);
        Change { key, note, text, body }
    }
}

fn note_path(note: &Value) -> String {
    note["ide_file_path"].as_str().map_or_else(|| panic!("no path in {note}"), str::to_owned)
}
