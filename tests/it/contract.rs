//! What the API promises, asked over HTTP: one module for each part of the contract.

mod access;
mod account;
mod agent;
mod batch;
mod bodies;
mod browsers;
mod causality;
mod changes;
mod collection;
mod concurrency;
mod conflicts;
mod create;
mod database;
mod delete;
mod embedding_status;
mod envelope;
mod folders;
mod followers;
mod health;
mod idempotency;
mod jobs;
mod keys;
mod list;
mod logs;
mod merge;
mod notes;
mod pages;
mod paths;
mod rag;
mod rates;
mod representations;
mod revisions;
mod search;
mod status;
mod storage;
mod strangers;
mod trash;
mod update;

use bytes::Bytes;
use futures::{StreamExt, stream};
use noted_tests::client::{Answer, Client};
use reqwest::Body;
use serde_json::{Value, json};

/// The changes of some pages, in their order.
fn changes_of(pages: &[Value]) -> Vec<Value> {
    pages.iter().flat_map(|page| page["changes"].as_array().cloned().unwrap_or_default()).collect()
}

/// Where a page of changes ended.
fn cursor_of(page: &Value) -> String {
    page["next_cursor"].as_str().map_or_else(|| panic!("no cursor in {page}"), str::to_owned)
}

/// A note that somebody has written in Noted: its `note` object.
async fn made(client: &Client, title: &str, content: &str) -> Value {
    client.post("/v1/notes", &json!({ "title": title, "content": content })).await.data(201)["note"].clone()
}

/// The body with one field set to something else.
fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}

/// The body without one field.
fn without(mut body: Value, field: &str) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.remove(field);
    }
    body
}

/// The answer is a refusal with this status, code and message, about this field; `case` says which request it was.
#[track_caller]
fn assert_refused(answer: &Answer, (status, code, field, message): (u16, &str, Option<&str>, &str), case: &str) -> Value {
    assert_eq!(answer.status, status, "{case}: {}", answer.body);
    let error = answer.error(status);
    assert_eq!(error["code"], code, "{case}: {error}");
    assert_eq!(error["field"].as_str(), field, "{case}: {error}");
    assert_eq!(error["message"], message, "{case}: {error}");
    error["details"].clone()
}

/// The body with the two things that differ between any two answers taken out, and `id` replaced by a word.
fn comparable(answer: &Answer, id: &str) -> String {
    let mut envelope = answer.json();
    envelope["meta"]["request_id"] = Value::Null;
    envelope["meta"]["timestamp"] = Value::Null;
    format!("{} {envelope}", answer.status).replace(id, "THE-ID")
}

/// A body that never ends: whoever waits for its end gives no answer.
fn endless(pieces: Vec<Bytes>) -> Body {
    let pieces = stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
    Body::wrap_stream(pieces.chain(stream::pending()))
}
