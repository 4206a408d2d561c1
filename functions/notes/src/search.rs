//! `GET /v1/notes/search`: notes by their words, best first, with the words shown where they stand. No vector is asked for and nothing leaves the
//! database.

use noted_shared::domain::Question;
use noted_shared::domain::snippet::snippet;
use noted_shared::edge::{Call, Outcome, Reply, Statement};
use noted_shared::error::Error;
use noted_shared::input::NoteSearch;
use noted_shared::limits::SNIPPET_CHARS_MAX;
use noted_shared::params;
use noted_shared::wire::{RagResult, SearchReply, SearchResult};
use serde::Deserialize;
use std::time::Instant;

const SEARCH: Statement = Statement::new("searching notes", "select * from api.notes_search($1, $2, $3, $4, $5)");

/// What `search.find` answers.
#[derive(Deserialize)]
struct Found {
    results: Vec<RagResult>,
    options: Vec<String>,
}

/// Outcomes: 200, 400, 401, 403, 422, 429, 503. A question without a single word finds nothing.
pub(crate) async fn search(call: &mut Call) -> Result<Reply, Error> {
    let started = Instant::now();
    let search = NoteSearch::parse(call.query()?)?;
    let mut question = Question::parse(&search.query);
    let asked = serde_json::to_string(&question).map_err(|wrong| Error::internal("writing a question", wrong.to_string()))?;
    let filter = search.filters.as_json();

    let params = || params![asked.as_str(), filter.as_deref(), search.limit.cast_signed()];
    let mut row = call.ask(&SEARCH, params).await?;
    if row.outcome()? != Outcome::Found {
        return Err(row.refusal());
    }
    let Found { results, options } = serde_json::from_str(&row.bulk())
        .map_err(|wrong| Error::internal("reading results", format!("not the expected JSON at column {}", wrong.column())))?;
    question.settle(&options);
    let results = results.into_iter().map(|result| shown(result, question.terms())).collect();
    Reply::ok(&SearchReply {
        results,
        understood: question.understood(),
        query_time_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

fn shown(result: RagResult, terms: &[String]) -> SearchResult {
    let snippet = snippet(&result.content, terms, SNIPPET_CHARS_MAX);
    SearchResult {
        note_id: result.note_id,
        title: result.title,
        ide_file_path: result.ide_file_path,
        note_type: result.note_type,
        version: result.version,
        updated_at: result.updated_at,
        heading_path: result.heading_path,
        snippet: snippet.text,
        highlights: snippet.highlights,
        score: result.words_score.unwrap_or_default(),
    }
}
