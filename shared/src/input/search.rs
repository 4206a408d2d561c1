//! Questions, as they arrive.

use super::notes::path_prefix;
use super::page::number;
use super::{Fields, boolean, object, text};
use crate::domain::{FolderId, Invalid, NoteType, Timestamp};
use crate::error::Error;
use crate::limits;
use crate::wire::{RagQuery, SearchFilter, SearchMode};
use serde_json::Value;

impl RagQuery {
    /// Reads the body. Reports every field at once.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let query = fields.required("query", text(question));
        let k = fields.optional("k", whole(1, limits::RAG_RESULTS_MAX)).unwrap_or(limits::RAG_RESULTS_DEFAULT);
        let similarity_threshold = fields.optional("similarity_threshold", share).unwrap_or(limits::RAG_THRESHOLD_DEFAULT);
        let mode = fields.optional("mode", text(mode)).unwrap_or(SearchMode::Hybrid);
        let token_budget =
            fields.optional("token_budget", whole(limits::RAG_TOKENS_MIN, limits::RAG_TOKENS_MAX)).unwrap_or(limits::RAG_TOKENS_MAX);
        let filters = match fields.optional("filters", object) {
            Some(given) => filter(&mut fields, Fields::from_value(Value::Object(given))?),
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
    /// Reads the query; parameters it does not know are ignored.
    pub fn parse(mut fields: Fields) -> Result<Self, Error> {
        let query = fields.required("q", text(question));
        let limit =
            fields.optional("limit", text(|value| number(value, 1, limits::SEARCH_RESULTS_MAX))).unwrap_or(limits::SEARCH_RESULTS_MAX);
        let filters = SearchFilter {
            folder_id: fields.optional("folder_id", text(FolderId::parse)),
            note_type: fields.optional("note_type", text(NoteType::parse)),
            path_prefix: fields.optional("path_prefix", text(path_prefix)),
            updated_since: fields.optional("updated_since", text(Timestamp::parse)),
            updated_before: fields.optional("updated_before", text(Timestamp::parse)),
            ..SearchFilter::default()
        };
        let Some(query) = query else { return Err(fields.into_error()) };
        fields.finish().map(|()| Self { query, limit, filters })
    }
}

/// Reads the filters of a question; their faults are told with those of the other fields.
fn filter(fields: &mut Fields, mut given: Fields) -> SearchFilter {
    let dates = given.optional("date_range", object).map(|range| Fields { values: range, problems: Vec::new() });
    let mut dates = dates.unwrap_or_default();
    let filter = SearchFilter {
        folder_id: given.optional("folder_id", text(FolderId::parse)),
        note_type: given.optional("note_type", text(NoteType::parse)),
        path_prefix: given.optional("path_prefix", text(path_prefix)),
        synced_from_ide: given.optional("synced_from_ide", boolean),
        created_since: dates.optional("start", text(Timestamp::parse)),
        created_before: dates.optional("end", text(Timestamp::parse)),
        updated_since: given.optional("updated_since", text(Timestamp::parse)),
        updated_before: given.optional("updated_before", text(Timestamp::parse)),
        tags: given.optional("tags", tags),
    };
    fields.problems.append(&mut given.problems);
    fields.problems.append(&mut dates.problems);
    filter
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
    move |value| match value.as_u64().map(u32::try_from) {
        Some(Ok(number)) if (from..=to).contains(&number) => Ok(number),
        _ => Err(Invalid::refused(format!("must be a whole number from {from} to {to}"))),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a reader takes the value it reads")]
fn share(value: Value) -> Result<f64, Invalid> {
    value.as_f64().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| Invalid::refused("must be a number from 0 to 1"))
}

fn tags(value: Value) -> Result<Vec<String>, Invalid> {
    let wrong = || Invalid::refused(format!("must be 1 to {} texts", limits::TAGS_MAX));
    let Value::Array(items) = value else { return Err(wrong()) };
    if items.is_empty() || items.len() > limits::TAGS_MAX {
        return Err(wrong());
    }
    items.into_iter().map(|item| super::string(item).map_err(|_| wrong())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_question_has_the_usual_values_where_it_says_nothing() {
        let query = RagQuery::parse(Fields::from_value(json!({ "query": "how?" })).expect("an object")).expect("a question");
        assert_eq!((query.k, query.similarity_threshold, query.mode, query.token_budget), (5, 0.7, SearchMode::Hybrid, 8000));
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
                "folder_id must be a string",
                "tags must be 1 to 20 texts",
                "start is not an ISO 8601 date and time with a zone, such as 2026-01-31T09:30:00Z",
            ],
        );
    }
}
