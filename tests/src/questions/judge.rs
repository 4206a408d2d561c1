//! Whether an answer shows only what its asker may see, as it was while the answer was on its way.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use noted_shared::domain::words::Place;
use noted_shared::domain::{NoteType, Question as Asked, Timestamp, Words};
use noted_shared::wire::{RagReply, SearchMode, SearchReply};
use uuid::Uuid;

use super::Workspace;
use super::asker::{Door, Question};
use super::ledger::{Version, Window};

/// One result, whichever door it came from.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) note: Uuid,
    /// Whether its vector is a reason why it is here.
    pub(super) by_vector: bool,
    by_words: bool,
    similarity: Option<f64>,
    number: i64,
    title: String,
    path: Option<String>,
    kind: NoteType,
    updated_at: Timestamp,
    headings: Vec<String>,
    score: f64,
    part: Part,
}

/// What is shown of the note's text.
#[derive(Debug)]
enum Part {
    /// Bytes of it, and where they are.
    Chunk { content: String, start: i32, end: i32 },
    /// One line of it.
    Snippet(String),
}

impl Seen {
    pub(super) fn of_rag(reply: RagReply) -> Vec<Self> {
        let seen = reply.results.into_iter().map(|result| Self {
            note: result.note_id.uuid(),
            by_vector: result.vector_rank.is_some(),
            by_words: result.words_rank.is_some(),
            similarity: result.similarity,
            number: result.version,
            title: result.title,
            path: result.ide_file_path.map(|path| path.to_string()),
            kind: result.note_type,
            updated_at: result.updated_at,
            headings: result.heading_path,
            score: result.score,
            part: Part::Chunk { content: result.content, start: result.byte_start, end: result.byte_end },
        });
        seen.collect()
    }

    pub(super) fn of_search(reply: SearchReply) -> Vec<Self> {
        let seen = reply.results.into_iter().map(|result| Self {
            note: result.note_id.uuid(),
            by_vector: false,
            by_words: true,
            similarity: None,
            number: result.version,
            title: result.title,
            path: result.ide_file_path.map(|path| path.to_string()),
            kind: result.note_type,
            updated_at: result.updated_at,
            headings: result.heading_path,
            score: result.score,
            part: Part::Snippet(result.snippet),
        });
        seen.collect()
    }
}

/// Judges an answer to a question in one of the workspaces.
///
/// # Errors
/// What is wrong with it.
pub(super) async fn judge(workspaces: &[Workspace], place: usize, question: &Question, window: Window, seen: &[Seen]) -> Result<()> {
    ensure!(seen.len() <= question.results_max, "{} results", seen.len());
    ensure!(seen.iter().map(|seen| seen.note).collect::<BTreeSet<_>>().len() == seen.len(), "a note twice");
    ensure!(seen.is_sorted_by(|a, b| a.score >= b.score), "results out of order");
    let ledger = &workspaces[place].ledger;
    for seen in seen {
        if !ledger.has(seen.note) {
            // Whoever is just creating a note will know its id in a moment.
            drop(ledger.creating.write().await);
        }
        if workspaces.iter().any(|other| other.ledger.has(seen.note)) && !ledger.has(seen.note) {
            bail!("FOREIGN: the note {} is another workspace's", seen.note);
        }
        let version = ledger.seen(seen.note, seen.number, window).with_context(|| format!("STALE: note {}", seen.note))?;
        let is_right = seen.says(&version).and_then(|()| seen.answers(question, &version));
        is_right.with_context(|| format!("note {}, version {}", seen.note, seen.number))?;
    }
    Ok(())
}

impl Seen {
    /// What is shown is what the version says.
    fn says(&self, version: &Version) -> Result<()> {
        let whole = version.text.whole();
        ensure!((&self.title, &self.path) == (&version.title, &version.path), "STALE: it was {:?} at {:?}", version.title, version.path);
        ensure!(self.headings.iter().all(|heading| whole.contains(heading.as_str())), "STALE: headings that it does not have");
        match &self.part {
            Part::Chunk { content, start, end } => {
                let shown = usize::try_from(*start).ok().zip(usize::try_from(*end).ok()).and_then(|(start, end)| whole.get(start..end));
                ensure!(shown == Some(content.as_str()), "STALE: these bytes of it were {shown:?}");
            }
            Part::Snippet(snippet) => {
                let line = whole.split_whitespace().collect::<Vec<_>>().join(" ");
                ensure!(line.contains(snippet.trim_matches('…')), "STALE: what the snippet says is not in it");
            }
        }
        Ok(())
    }

    /// It is here for a reason that was asked for, and passes the filter.
    fn answers(&self, question: &Question, version: &Version) -> Result<()> {
        let (by_words, by_vector) = match question.door {
            Door::Search | Door::Rag(SearchMode::Text) => (true, false),
            Door::Rag(SearchMode::Vector) => (false, true),
            Door::Rag(SearchMode::Hybrid) => (true, true),
        };
        ensure!(by_words >= self.by_words && by_vector >= self.by_vector, "a reason that nobody asked for");
        ensure!(self.by_words || self.by_vector, "no reason");
        ensure!(self.by_words || self.similarity >= Some(question.threshold), "less similar than was asked for");
        let filter = &question.filter;
        ensure!(filter.folder_id.is_none_or(|folder| version.folder == Some(folder.uuid())), "another folder");
        ensure!(filter.note_type.is_none_or(|kind| kind == self.kind) && self.kind.name() == version.kind, "another type");
        let begins = |prefix: &String| version.path.as_ref().is_some_and(|path| path.starts_with(prefix));
        ensure!(filter.path_prefix.as_ref().is_none_or(begins), "another path");
        ensure!(filter.synced_from_ide.is_none_or(|is_synced| is_synced == version.path.is_some()), "another source");
        ensure!(filter.updated_since.is_none_or(|since| self.updated_at >= since), "changed too early");
        ensure!(filter.updated_before.is_none_or(|before| self.updated_at < before), "changed too late");
        says_what_was_asked(&question.query, version)
    }
}

/// The whole note has what the question requires, and has nowhere what it excludes.
fn says_what_was_asked(query: &str, version: &Version) -> Result<()> {
    let understood = Asked::parse(query).understood();
    let mut words = Words::of(version.text.whole());
    words.add(&version.title, Place::Title);
    words.add(version.path.as_deref().unwrap_or_default(), Place::Title);
    let words: BTreeSet<&str> = words.lexemes().collect();
    let has = |said: &String| Words::of(said).lexemes().all(|lexeme| words.contains(lexeme));
    ensure!(understood.required.iter().all(|one_of| one_of.iter().any(has)), "without what was required: {query}");
    ensure!(!understood.excluded.iter().any(has), "with what was excluded: {query}");
    Ok(())
}
