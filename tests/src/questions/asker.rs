//! Somebody who asks, in every way there is, and judges each answer by what the notes were while it was on its way.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use noted_shared::domain::{NoteType, Timestamp};
use noted_shared::wire::{RagReply, SearchFilter, SearchMode, SearchReply};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::judge::{Seen, judge};
use super::ledger::Window;
use super::text::common_words;
use super::{Asked, Workspace};
use crate::client::send;

/// Questions of one workspace that are asked again: an answer that is kept for a minute must not outlive what it is made of.
const REMEMBERED: usize = 12;

/// A question, complete.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) door: Door,
    pub(super) query: String,
    pub(super) filter: SearchFilter,
    pub(super) results_max: usize,
    pub(super) threshold: f64,
    token_budget: usize,
    /// The one word that it asks for, where only one note ever had it.
    word: Option<String>,
}

/// Where it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// `GET /v1/notes/search`.
    Search,
    /// `POST /v1/rag-query`.
    Rag(SearchMode),
}

/// An answer that was right.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) counted: Asked,
    /// What it shows, the best first.
    pub(super) notes: Vec<Uuid>,
}

/// One who asks in all workspaces.
pub(super) struct Asker<'a> {
    workspaces: &'a [Workspace],
    random: Rng,
    remembered: Vec<VecDeque<Question>>,
    asked: Asked,
}

impl<'a> Asker<'a> {
    pub(super) fn new(workspaces: &'a [Workspace], seed: u64) -> Self {
        let remembered = workspaces.iter().map(|_| VecDeque::new()).collect();
        Self { workspaces, random: Rng::with_seed(seed), remembered, asked: Asked::default() }
    }

    /// Asks as long as `is_next` says so.
    ///
    /// # Errors
    /// The first answer that is not as it must be.
    pub(super) async fn run(mut self, mut is_next: impl FnMut() -> bool) -> Result<Asked> {
        let mut last = None;
        while is_next() {
            // Now and then the same at once: before the next write the answer is the one that was kept.
            let (place, question) = last.take().filter(|_| self.random.u8(..4) == 0).unwrap_or_else(|| {
                let place = self.random.usize(..self.workspaces.len());
                (place, self.question(place))
            });
            self.asked += ask(self.workspaces, place, &question).await?.counted;
            last = Some((place, question));
        }
        Ok(self.asked)
    }

    /// One that was asked before, or a new one.
    fn question(&mut self, place: usize) -> Question {
        let remembered = &mut self.remembered[place];
        if !remembered.is_empty() && self.random.u8(..4) == 0 {
            return remembered[self.random.usize(..remembered.len())].clone();
        }
        let question = new_question(self.workspaces, place, &mut self.random);
        let remembered = &mut self.remembered[place];
        remembered.push_back(question.clone());
        if remembered.len() > REMEMBERED {
            remembered.pop_front();
        }
        question
    }
}

impl Question {
    /// One that asks for a word that only one note has or had.
    pub(super) fn for_word(door: Door, word: &str) -> Self {
        Self {
            door,
            query: word.to_owned(),
            filter: SearchFilter::default(),
            results_max: 5,
            threshold: 0.7,
            token_budget: 8_000,
            word: Some(word.to_owned()),
        }
    }

    fn body(&self) -> Value {
        let Door::Rag(mode) = self.door else { return Value::Null };
        let SearchFilter { folder_id, note_type, path_prefix, synced_from_ide, updated_since, updated_before, .. } = &self.filter;
        let mut filters = json!({});
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                filters[name] = value;
            }
        };
        set("folder_id", folder_id.map(|id| json!(id)));
        set("note_type", note_type.map(|kind| json!(kind)));
        set("path_prefix", path_prefix.as_ref().map(|prefix| json!(prefix)));
        set("synced_from_ide", synced_from_ide.map(|is_synced| json!(is_synced)));
        set("updated_since", updated_since.map(|since| json!(since)));
        set("updated_before", updated_before.map(|before| json!(before)));
        json!({
            "query": self.query, "mode": mode.name(), "k": self.results_max, "similarity_threshold": self.threshold,
            "token_budget": self.token_budget, "filters": filters,
        })
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let SearchFilter { folder_id, note_type, path_prefix, updated_since, updated_before, .. } = &self.filter;
        let mut pairs = vec![("q", self.query.clone()), ("limit", self.results_max.to_string())];
        pairs.extend(folder_id.map(|id| ("folder_id", id.to_string())));
        pairs.extend(note_type.map(|kind| ("note_type", kind.to_string())));
        pairs.extend(path_prefix.clone().map(|prefix| ("path_prefix", prefix)));
        pairs.extend(updated_since.map(|since| ("updated_since", since.to_string())));
        pairs.extend(updated_before.map(|before| ("updated_before", before.to_string())));
        pairs
    }
}

/// Asks, and judges the answer.
///
/// # Errors
/// What is wrong with it, and with the answer to which question.
pub(super) async fn ask(workspaces: &[Workspace], place: usize, question: &Question) -> Result<Answered> {
    let workspace = &workspaces[place];
    let request = match question.door {
        Door::Search => workspace.client.request(Method::GET, "/v1/notes/search").query(&question.pairs()),
        Door::Rag(_) => workspace.client.request(Method::POST, "/v1/rag-query").json(&question.body()),
    };
    let asked = Instant::now();
    let answer = send(request).await;
    let window = Window { asked, answered: Instant::now() };
    ensure!(answer.status == 200, "{question:?} was answered with {}: {}", answer.status, answer.body);
    let data = answer.json()["data"].take();
    let (seen, mut counted) = match question.door {
        Door::Search => (Seen::of_search(serde_json::from_value::<SearchReply>(data)?), Asked::default()),
        Door::Rag(_) => {
            let reply: RagReply = serde_json::from_value(data)?;
            let counted = Asked { from_memory: usize::from(reply.cached), degraded: usize::from(reply.degraded), ..Asked::default() };
            (Seen::of_rag(reply), counted)
        }
    };
    let judged = async {
        judge(workspaces, place, question, window, &seen).await?;
        let sure = question.word.as_deref().filter(|_| question.door != Door::Rag(SearchMode::Vector));
        let sure = sure.map(|word| workspace.ledger.must_be_found(word, window)).unwrap_or_default();
        let missing: Vec<_> = sure.iter().filter(|note| !seen.iter().any(|seen| seen.note == **note)).collect();
        ensure!(missing.is_empty(), "notes that have the word and were not found: {missing:?}");
        Ok(sure.len())
    };
    let sure = judged.await.with_context(|| format!("{question:?} was answered with {}", answer.body))?;
    counted.questions = 1;
    counted.results = seen.len();
    counted.by_vector = seen.iter().filter(|seen| seen.by_vector).count();
    counted.sure = sure;
    Ok(Answered { counted, notes: seen.into_iter().map(|seen| seen.note).collect() })
}

fn new_question(workspaces: &[Workspace], place: usize, random: &mut Rng) -> Question {
    let door = match random.u8(..8) {
        0 | 1 => Door::Search,
        2 => Door::Rag(SearchMode::Text),
        3 | 4 => Door::Rag(SearchMode::Vector),
        _ => Door::Rag(SearchMode::Hybrid),
    };
    // Now and then for what another workspace has.
    let about = if random.u8(..6) == 0 { random.usize(..workspaces.len()) } else { place };
    let notes = workspaces[about].ledger.all();
    let note = (!notes.is_empty()).then(|| &notes[random.usize(..notes.len())].1);
    if let Some(note) = note.filter(|_| random.u8(..4) == 0) {
        let words = note.words();
        return Question::for_word(door, &words[random.usize(..words.len())]);
    }
    let count = random.usize(1..5);
    let words = common_words(random, count);
    let query = match (random.u8(..6), note) {
        (0, Some(note)) => note.text.passage(random, 480),
        (1, Some(note)) => note.title.clone(),
        (2, _) => format!("\"{words}\""),
        (3, _) => format!("{words} -{}", common_words(random, 1)),
        _ => words,
    };
    Question {
        door,
        query,
        filter: filter(&workspaces[place], door, random),
        results_max: random.usize(1..21),
        threshold: random.f64(),
        token_budget: if random.bool() { 8_000 } else { random.usize(100..8_000) },
        word: None,
    }
}

/// Often none, now and then several conditions.
fn filter(workspace: &Workspace, door: Door, random: &mut Rng) -> SearchFilter {
    let mut filter = SearchFilter::default();
    if random.bool() {
        return filter;
    }
    let sometimes = |random: &mut Rng| random.u8(..4) == 0;
    if sometimes(random) {
        filter.folder_id = Some(workspace.folder.into());
    }
    if sometimes(random) {
        filter.note_type = NoteType::ALL.get(random.usize(..2)).copied();
    }
    if sometimes(random) {
        filter.path_prefix = Some(["docs/", "docs/old/", "src/", "nowhere/", ""][random.usize(..5)].to_owned());
    }
    if sometimes(random) && door != Door::Search {
        filter.synced_from_ide = Some(random.bool());
    }
    let seconds = Duration::from_secs_f64(random.f64() * workspace.started.elapsed().as_secs_f64());
    let instant = Timestamp::from_system(SystemTime::now()).map(|now| now.earlier_by(seconds));
    match random.u8(..8) {
        0 => filter.updated_since = instant,
        1 => filter.updated_before = instant,
        _ => {}
    }
    filter
}
