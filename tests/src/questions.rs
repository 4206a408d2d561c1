//! Random questions of every kind while notes are created, edited, moved, deleted and restored: no answer may show what its asker cannot have seen.
//!
//! Each of some workspaces has several writers, the worker goes round beside them, and askers ask everywhere. A ledger knows what each note said and
//! when; every result must be a live note of the asker's own workspace, and show a version that may have been there between question and
//! answer. What was certainly there all the time must be found by its words. In the end, when all is quiet, everything that lives is found and nothing else.
//!
//! A seed repeats the questions and the writes; how they meet is never the same.

mod asker;
mod judge;
mod ledger;
mod quiet;
mod text;
mod writer;

use std::cell::Cell;
use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use crate::client::Client;
use crate::world::World;
use asker::Asker;
use ledger::Ledger;
use writer::Writer;

/// Several, all of whom write about the same.
const WORKSPACES: usize = 3;
/// Writers of each workspace.
const WRITERS: usize = 3;
/// Askers, each with one question at a time: a busy machine answers late, and late answers are no vectors.
const ASKERS: u64 = 4;
/// Writes of all writers before the first question.
const FIRST_WRITES: usize = 90;

/// What was asked, and what came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// Questions.
    pub questions: usize,
    /// Results of all answers.
    pub results: usize,
    /// Results that vectors found.
    pub by_vector: usize,
    /// Answers that were given from memory.
    pub from_memory: usize,
    /// Answers that vectors should have been searched for and were not.
    pub degraded: usize,
    /// Notes that had to be found at once, and were.
    pub sure: usize,
    /// Writes that went on meanwhile.
    pub writes: usize,
}

/// One tenant, and what its notes say.
#[derive(Debug)]
struct Workspace {
    client: Client,
    folder: Uuid,
    ledger: Ledger,
    words: Arc<AtomicU32>,
    started: Instant,
}

impl Workspace {
    /// A word that was never written, by nobody.
    fn new_word(&self) -> String {
        text::word(self.words.fetch_add(1, Ordering::Relaxed))
    }
}

/// Asks so many questions; `tell` is called after each.
///
/// # Errors
/// The first answer that is not as it must be.
pub async fn ask(world: &World, seed: u64, questions: u32, tell: impl Fn()) -> Result<Asked> {
    let words = Arc::new(AtomicU32::new(0));
    let mut workspaces = Vec::new();
    for _ in 0..WORKSPACES {
        let client = world.asker().await;
        let folder = world.folder(&client, "folder").await;
        let words = Arc::clone(&words);
        workspaces.push(Workspace { client, folder, ledger: Ledger::default(), words, started: Instant::now() });
    }
    let mut asked = meanwhile(world, &workspaces, seed, questions, tell).await?;
    let quiet = quiet::check(world, &workspaces).await?;
    ensure!(quiet.from_memory > 0, "nothing that is asked again is answered from memory, though nobody writes: {quiet}");
    ensure!(
        asked.results > 0 && asked.by_vector > 0 && asked.from_memory > 0 && asked.sure > 0,
        "so little was found that nothing is shown: {asked}"
    );
    asked.questions = questions as usize;
    Ok(asked)
}

/// Asks and writes at the same time. Each question gives the writers a turn, so that no history grows without end.
async fn meanwhile(world: &World, workspaces: &[Workspace], seed: u64, questions: u32, tell: impl Fn()) -> Result<Asked> {
    let (turns, worker) = (Semaphore::new(FIRST_WRITES), Notify::new());
    let left = Cell::new(questions);
    let next = || {
        let is_next = left.get() > 0;
        if is_next {
            left.set(left.get() - 1);
            turns.add_permits(1);
            tell();
        }
        is_next
    };
    let writers = (0..WORKSPACES * WRITERS).map(|number| Writer::new(&workspaces[number % WORKSPACES], seed ^ (number as u64 + 1) << 32));
    let writing = try_join_all(writers.map(|writer| writer.run(&turns, &worker)));
    let asking = async {
        let askers = (0..ASKERS).map(|number| Asker::new(workspaces, seed ^ (number + 1) << 48).run(next));
        let asked = try_join_all(askers).await;
        // Whoever is writing still hears the answer.
        turns.close();
        asked
    };
    let is_over = Cell::new(false);
    let everybody = async {
        let done = tokio::try_join!(asking, writing);
        is_over.set(true);
        worker.notify_one();
        done
    };
    // A round that has begun is seen to its end: what it has leased, nobody else may take for minutes.
    let (done, ()) = tokio::join!(everybody, work(world, &worker, &is_over));
    let (asked, written) = done?;
    let mut all = Asked { writes: written.into_iter().sum(), ..Asked::default() };
    asked.into_iter().for_each(|asked| all += asked);
    Ok(all)
}

/// A round of the worker whenever something was written since the last one.
async fn work(world: &World, written: &Notify, is_over: &Cell<bool>) {
    while !is_over.get() {
        world.run_round().await;
        written.notified().await;
    }
}

impl AddAssign for Asked {
    fn add_assign(&mut self, other: Self) {
        self.questions += other.questions;
        self.results += other.results;
        self.by_vector += other.by_vector;
        self.from_memory += other.from_memory;
        self.degraded += other.degraded;
        self.sure += other.sure;
        self.writes += other.writes;
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { questions, results, by_vector, from_memory, degraded, sure, writes } = self;
        write!(
            f,
            "{questions} questions during {writes} writes: {results} results, {by_vector} by vectors, {sure} that had to be \
             found; {from_memory} answers from memory, {degraded} without vectors"
        )
    }
}
