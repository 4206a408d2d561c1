//! What is said between Noted and its provider of embeddings: Voyage AI's HTTP interface, or a server that speaks it.
//!
//! A request holds texts and the name of a model and nothing else, so that nobody's path, title or name leaves with them. An answer is
//! believed only when it has one good vector for each text: a wrong one would be searched for as long as the text stays as it is.

mod answer;
mod fault;

pub use answer::{Embedded, read_answer};
pub use fault::ProviderFault;

use crate::limits::{EMBEDDED_BYTES_MAX, EMBEDDED_TEXTS_MAX};
use serde_json::json;
use std::ops::Range;

/// Numbers in a vector. The columns of the database have as many.
pub const EMBEDDING_DIMENSION: usize = 1_024;

/// The model of the stand-in that works offline.
pub const STAND_IN_MODEL: &str = "noted-local";

/// What a text is to the provider, which embeds questions otherwise than what may answer them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputType {
    /// A question.
    Query,
    /// A text that may answer one.
    Document,
}

impl InputType {
    /// As the provider writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Document => "document",
        }
    }
}

/// The body of `POST {base}/embeddings` that asks for one vector a text.
#[must_use]
pub fn request_body(texts: &[&str], model: &str, input_type: InputType) -> String {
    let body = json!({
        "input": texts,
        "model": model,
        "input_type": input_type.as_str(),
        "truncation": true,
        "output_dimension": EMBEDDING_DIMENSION,
        "output_dtype": "float",
    });
    body.to_string()
}

/// Divides texts into requests, in order: each has at most [`EMBEDDED_TEXTS_MAX`] texts and [`EMBEDDED_BYTES_MAX`] bytes, and at least one text,
/// however long that is: the provider cuts it.
#[must_use]
pub fn batches(texts: &[impl AsRef<str>]) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, text) in texts.iter().enumerate() {
        let len = text.as_ref().len();
        if index > start && (index - start == EMBEDDED_TEXTS_MAX || bytes + len > EMBEDDED_BYTES_MAX) {
            batches.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes += len;
    }
    if start < texts.len() {
        batches.push(start..texts.len());
    }
    batches
}

/// How much the vectors of a model count beside the words, which count 1. The stand-in knows no more than the words do and says it less well: as
/// their equal it makes answers worse.
#[must_use]
pub fn vector_weight(model: &str) -> f64 {
    if model == STAND_IN_MODEL { 0.3 } else { 1.0 }
}

/// The least similarity of what only its vector found, where a question names none. Models differ in how alike they find texts that have nothing
/// to do with one another; of the stand-in's see docs/search.md.
#[must_use]
pub fn vector_threshold(model: &str) -> f64 {
    if model == STAND_IN_MODEL { 0.25 } else { 0.7 }
}

#[cfg(test)]
mod tests;
