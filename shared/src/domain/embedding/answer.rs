//! Reads what a provider answered: as many good vectors as texts were sent, or what is wrong.

use super::EMBEDDING_DIMENSION;
use super::fault::ProviderFault;
use serde::Deserialize;
use std::fmt::Write;

/// The largest number of a `halfvec`.
const HALF_MAX: f32 = 65_504.0;

/// The smallest number of a `halfvec` that is not zero. A vector of smaller ones would be stored as zeros, which are near to nothing.
const HALF_MIN_POSITIVE: f32 = 5.960_464_5e-8;

/// The vectors of the texts of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// One for each text, in their order, as pgvector reads a `halfvec`: `[0.1,-0.2,...]`.
    pub vectors: Vec<String>,
    /// What the provider counted; 0 if it did not say.
    pub tokens: i64,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    total_tokens: i64,
}

/// Reads the answer to a request with `expected` texts, given its status, its `Retry-After` and its body.
///
/// # Errors
/// When it is a refusal, or not one good vector for each text.
pub fn read_answer(status: u16, retry_after: Option<&str>, body: &[u8], expected: usize) -> Result<Embedded, ProviderFault> {
    if !(200..300).contains(&status) {
        return Err(ProviderFault::of_status(status, retry_after, body));
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|error| nonsense(what_is_wrong(&error)))?;
    if answer.data.len() != expected {
        return Err(nonsense(format!("has {} vectors for {expected} texts", answer.data.len())));
    }
    let mut vectors = vec![String::new(); expected];
    for item in answer.data {
        match vectors.get_mut(item.index) {
            Some(vector) if vector.is_empty() => *vector = vector_text(item.index, &item.embedding)?,
            Some(_) => return Err(nonsense(format!("has two vectors with the index {}", item.index))),
            None => return Err(nonsense(format!("has a vector with the index {} for {expected} texts", item.index))),
        }
    }
    Ok(Embedded { vectors, tokens: answer.usage.total_tokens })
}

/// Says what the parser found in words of ours: its own quote the answer.
fn what_is_wrong(error: &serde_json::Error) -> &'static str {
    if error.is_eof() {
        "ends in the middle of its JSON"
    } else if error.is_data() {
        "is JSON, but not a list of embeddings with their indexes"
    } else {
        "is not JSON"
    }
}

/// A vector as pgvector reads it, if it can be stored and searched.
fn vector_text(index: usize, numbers: &[f32]) -> Result<String, ProviderFault> {
    if numbers.len() != EMBEDDING_DIMENSION {
        return Err(nonsense(format!("has a vector of {} numbers at index {index}; {EMBEDDING_DIMENSION} are needed", numbers.len())));
    }
    if !numbers.iter().all(|number| number.abs() <= HALF_MAX) {
        return Err(nonsense(format!("has a number that is not finite or too large in the vector at index {index}")));
    }
    if numbers.iter().all(|number| number.abs() < HALF_MIN_POSITIVE) {
        return Err(nonsense(format!("has only zeros in the vector at index {index}")));
    }
    let mut text = String::with_capacity(numbers.len() * 12);
    for number in numbers {
        text.push(if text.is_empty() { '[' } else { ',' });
        // Writing to a string cannot fail.
        let _ = write!(text, "{number}");
    }
    text.push(']');
    Ok(text)
}

fn nonsense(reason: impl Into<String>) -> ProviderFault {
    ProviderFault::Nonsense(reason.into())
}
