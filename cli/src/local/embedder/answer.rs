//! What the stand-in answers to a request in Voyage AI's form, and what it refuses as Voyage AI does.
//!
//! Strict where Voyage AI is: a request with a field too many or a text too few fails here, before it fails where it costs something.

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use noted_shared::domain::Words;
use noted_shared::domain::embedding::{EMBEDDING_DIMENSION, STAND_IN_MODEL};
use serde::Deserialize;
use serde_json::{Value, json};

use super::hashing::embed;

/// Texts in one request at most, as at Voyage AI.
const TEXTS_MAX: usize = 1_000;

/// A status and a body of JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    input: Input,
    model: String,
    #[serde(rename = "input_type")]
    _input_type: Option<InputType>,
    #[serde(rename = "truncation")]
    _truncation: Option<bool>,
    output_dimension: Option<usize>,
    output_dtype: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
}

/// The stand-in embeds both alike, but takes no other.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum InputType {
    Query,
    Document,
}

impl Answer {
    /// A refusal in Voyage AI's form.
    #[must_use]
    pub fn refusal(status: StatusCode, detail: &str) -> Self {
        Self { status, body: json!({ "detail": detail }) }
    }
}

/// Answers `POST /v1/embeddings`.
#[must_use]
pub fn answer(headers: &HeaderMap, body: &[u8]) -> Answer {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if authorization.and_then(|value| value.strip_prefix("Bearer ")).is_none_or(|key| key.trim().is_empty()) {
        return Answer::refusal(StatusCode::UNAUTHORIZED, "An API key is missing; send it as `Authorization: Bearer <key>`.");
    }
    match parse(body) {
        Ok(texts) => Answer { status: StatusCode::OK, body: embeddings(&texts) },
        Err(detail) => Answer::refusal(StatusCode::BAD_REQUEST, &detail),
    }
}

/// The texts of a request; what is wrong with it is said without repeating any of it.
fn parse(body: &[u8]) -> Result<Vec<String>, String> {
    let request: Request = serde_json::from_slice(body)
        .map_err(|error| format!("The body is not a request for embeddings (line {}, column {}).", error.line(), error.column()))?;
    if request.model != STAND_IN_MODEL {
        return Err(format!("The model is not supported; this server has {STAND_IN_MODEL} and no other."));
    }
    if request.output_dimension.is_some_and(|dimension| dimension != EMBEDDING_DIMENSION) {
        return Err(format!("output_dimension must be {EMBEDDING_DIMENSION}."));
    }
    if request.output_dtype.is_some_and(|kind| kind != "float") {
        return Err("output_dtype must be float.".to_owned());
    }
    let texts = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
    };
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        return Err("input must not be an empty list and must not hold an empty string.".to_owned());
    }
    if texts.len() > TEXTS_MAX {
        return Err(format!("input must hold at most {TEXTS_MAX} texts."));
    }
    Ok(texts)
}

fn embeddings(texts: &[String]) -> Value {
    let item = |(index, text): (usize, &String)| json!({ "object": "embedding", "embedding": embed(text), "index": index });
    let tokens: u64 = texts.iter().map(|text| u64::from(Words::of(text).len())).sum();
    json!({
        "object": "list",
        "data": texts.iter().enumerate().map(item).collect::<Vec<_>>(),
        "model": STAND_IN_MODEL,
        "usage": { "total_tokens": tokens },
    })
}
