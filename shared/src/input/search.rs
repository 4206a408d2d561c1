//! Questions, as they arrive.

use super::page::number;
use super::{Fields, object, text};
use crate::domain::Invalid;
use crate::error::Error;
use crate::limits;
use crate::wire::{RagQuery, SearchFilter, SearchMode};
use serde_json::Value;

impl RagQuery {
    /// Reads the body. Reports every field at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let query = fields.required("query", text(question));
        let k = fields.optional("k", whole(1, limits::RAG_RESULTS_MAX)).unwrap_or(limits::RAG_RESULTS_DEFAULT);
        let similarity_threshold = fields.optional("similarity_threshold", share);
        let mode = fields.optional("mode", text(mode)).unwrap_or(SearchMode::Hybrid);
        let token_budget =
            fields.optional("token_budget", whole(limits::RAG_TOKENS_MIN, limits::RAG_TOKENS_MAX)).unwrap_or(limits::RAG_TOKENS_MAX);
        let filters = match fields.optional("filters", object) {
            Some(given) => fields.part(given, SearchFilter::of_body),
            None => SearchFilter::default(),
        };
        let Some(query) = query else { return Err(fields.into_error()) };
        fields.finish().map(|()| Self { query, k, similarity_threshold, mode, filters, token_budget })
    }
}

/// The query of `GET /v1/notes/search`.
#[derive(Clone, Debug)]
pub struct NoteSearch {
    /// The words.
    pub query: String,
    /// Results at most.
    pub limit: u32,
    /// Which notes may answer.
    pub filters: SearchFilter,
}

impl NoteSearch {
    /// Reads the query. Reports every parameter at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let query = fields.required("q", text(question));
        let limit =
            fields.optional("limit", text(|value| number(value, 1, limits::SEARCH_RESULTS_MAX))).unwrap_or(limits::SEARCH_RESULTS_MAX);
        let filters = SearchFilter::of_query(&mut fields);
        let Some(query) = query else { return Err(fields.into_error()) };
        fields.finish().map(|()| Self { query, limit, filters })
    }
}

fn question(text: &str) -> Result<String, Invalid> {
    match text.chars().count() {
        _ if text.trim().is_empty() => Err(Invalid::refused("must not be empty")),
        _ if text.contains('\0') => Err(Invalid::refused("contains a NUL character")),
        count if count > limits::QUESTION_CHARS_MAX => {
            Err(Invalid::refused(format!("must be at most {} characters", limits::QUESTION_CHARS_MAX)))
        }
        _ => Ok(text.to_owned()),
    }
}

fn mode(name: &str) -> Result<SearchMode, Invalid> {
    match name {
        "hybrid" => Ok(SearchMode::Hybrid),
        "vector" => Ok(SearchMode::Vector),
        "text" => Ok(SearchMode::Text),
        _ => Err(Invalid::refused("must be hybrid, vector or text")),
    }
}

fn whole(from: u32, to: u32) -> impl FnOnce(Value) -> Result<u32, Invalid> {
    move |value| {
        let reason = format!("must be a whole number from {from} to {to}");
        if !(value.is_u64() || value.is_i64()) {
            return Err(Invalid::malformed(reason));
        }
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| (from..=to).contains(number));
        number.ok_or_else(|| Invalid::refused(reason))
    }
}

/// Reads a share of something.
#[expect(clippy::needless_pass_by_value, reason = "a reader takes the value it reads")]
pub(super) fn share(value: Value) -> Result<f64, Invalid> {
    const REASON: &str = "must be a number from 0 to 1";
    let share = value.as_f64().ok_or_else(|| Invalid::malformed(REASON))?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(Invalid::refused(REASON)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_question_has_the_usual_values_where_it_says_nothing() {
        let query = RagQuery::parse(Fields::from_value(json!({ "query": "how?" })).expect("an object")).expect("a question");
        assert_eq!((query.k, query.similarity_threshold, query.mode, query.token_budget), (5, None, SearchMode::Hybrid, 8000));
        assert_eq!(query.filters, SearchFilter::default());
    }

    #[test]
    fn every_fault_of_a_question_is_told() {
        let check = |body: Value, expected: &[&str]| {
            let wrong = RagQuery::parse(Fields::from_value(body.clone()).expect("an object")).expect_err("faults");
            let messages: Vec<String> = wrong.problems().into_iter().map(|problem| problem.message).collect();
            assert_eq!(messages, expected, "{body}");
        };
        check(json!({}), &["Missing required field: query"]);
        check(json!({ "query": " " }), &["query must not be empty"]);
        check(json!({ "query": "x".repeat(501) }), &["query must be at most 500 characters"]);
        check(json!({ "query": "x", "k": 0 }), &["k must be a whole number from 1 to 20"]);
        check(
            json!({ "query": "x", "k": 21, "mode": "best" }),
            &["k must be a whole number from 1 to 20", "mode must be hybrid, vector or text"],
        );
        check(json!({ "query": "x", "similarity_threshold": 1.5 }), &["similarity_threshold must be a number from 0 to 1"]);
        check(
            json!({ "query": "x", "filters": { "folder_id": 7, "tags": [], "date_range": { "start": "yesterday" } } }),
            &[
                "start is not an ISO 8601 date and time with a zone, such as 2026-01-31T09:30:00Z",
                "folder_id must be a string",
                "tags must not be empty",
            ],
        );
    }
}
