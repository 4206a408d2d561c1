//! What the database found, as it is told.

use noted_shared::domain::Question;
use noted_shared::edge::Reply;
use noted_shared::error::Error;
use noted_shared::wire::{Degraded, RagQuery, RagReply, RagResult};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Characters that a token has in English, on the average: an estimate is enough, because it bounds and does not bill.
const CHARS_OF_TOKEN: usize = 4;

/// What `search.find` answers.
#[derive(Deserialize)]
struct Found {
    results: Vec<RagResult>,
    held_back: u32,
    options: Vec<String>,
}

/// What every answer says besides its results.
pub(crate) struct Answer<'a> {
    pub(crate) query: &'a RagQuery,
    pub(crate) pending_count: i64,
    pub(crate) started: Instant,
}

impl Answer<'_> {
    /// The answer that was given a moment ago.
    pub(crate) fn cached(self, found: &str) -> Result<Reply, Error> {
        self.reply(found, None, true)
    }

    /// An answer that was looked for.
    pub(crate) fn fresh(self, found: &str, degraded: Option<Degraded>) -> Result<Reply, Error> {
        self.reply(found, degraded, false)
    }

    fn reply(self, found: &str, degraded_reason: Option<Degraded>, cached: bool) -> Result<Reply, Error> {
        let Found { mut results, held_back, options } = serde_json::from_str(found)
            .map_err(|wrong| Error::internal("reading results", format!("not the expected JSON at column {}", wrong.column())))?;
        let found = results.len();
        results.truncate(fitting(&results, self.query.token_budget as usize * CHARS_OF_TOKEN));
        for result in &mut results {
            result.citation = citation(result);
        }
        let mut question = Question::parse(&self.query.query);
        question.settle(&options);
        Reply::ok(&RagReply {
            truncated: results.len() < found,
            results,
            held_back,
            understood: question.understood(),
            pending_count: self.pending_count,
            degraded: degraded_reason.is_some(),
            degraded_reason,
            cached,
            query_time_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// How many of the first results fit the budget; the first always does.
fn fitting(results: &[RagResult], chars_max: usize) -> usize {
    let mut chars = 0;
    let fit = |result: &&RagResult| {
        chars += result.content.chars().count();
        chars <= chars_max
    };
    results.iter().take_while(fit).count().max(1)
}

/// How to name a result as a source.
fn citation(result: &RagResult) -> String {
    match result.heading_path.last() {
        Some(section) if *section != result.title => format!("{} → {section}", result.title),
        _ => result.title.clone(),
    }
}

/// Some JSON text.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|wrong| Error::internal("writing a filter", wrong.to_string()))
}
