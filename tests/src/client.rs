//! A tenant's view of the server: requests with its key, answers taken apart.

use std::time::Duration;

use noted::keys::NewKey;
use noted_shared::domain::ContentHash;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::world::eventually;

/// The name that a client writes under unless a test says otherwise.
pub const ORIGIN: &str = "test-origin";

/// A key and the server it works on.
#[derive(Debug, Clone)]
pub struct Client {
    /// The key that every request carries unless a test says otherwise.
    pub key: NewKey,
    /// The name that it writes under; no other key of its workspace may.
    pub origin: &'static str,
    base: Url,
    http: reqwest::Client,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// A header's value; empty when it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// `data` of the envelope, after checking the status.
    ///
    /// # Panics
    /// When the status is another one.
    pub fn data(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.json()["data"].clone()
    }

    /// The first of the envelope's `errors`, after checking the status.
    ///
    /// # Panics
    /// When the status is another one or the envelope says nothing went wrong.
    pub fn error(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        let envelope = self.json();
        assert_eq!(envelope["data"], Value::Null, "{}", self.body);
        envelope["errors"].get(0).cloned().unwrap_or_else(|| panic!("no error in {}", self.body))
    }
}

impl Client {
    /// A client with a key.
    #[must_use]
    pub fn new(base: Url, key: NewKey) -> Self {
        // An error only says that this process has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A redirect is an answer like any other: it is followed only where a test is about that.
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        Self { key, origin: ORIGIN, base, http: http.unwrap_or_else(|error| panic!("no client: {error}")) }
    }

    /// The same key, writing under another name.
    #[must_use]
    pub fn writing_as(self, origin: &'static str) -> Self {
        Self { origin, ..self }
    }

    /// A body that [`note_in`] or [`note_update`] made, under this client's name.
    fn signed(&self, body: &Value) -> Value {
        let mut body = body.clone();
        if body["sync_origin_id"] == ORIGIN {
            body["sync_origin_id"] = json!(self.origin);
        }
        body
    }

    /// The same key, on a server that serves somewhere else now.
    #[must_use]
    pub fn at(&self, base: &Url) -> Self {
        Self::new(base.clone(), self.key.clone())
    }

    /// Where the server is.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// A request to a path and query, with the key.
    ///
    /// # Panics
    /// When the path is not one.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.key.api_key)
    }

    /// A request without a key.
    ///
    /// # Panics
    /// When the path is not one.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.base.join(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        self.http.request(method, url)
    }

    /// A GET with the key.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// `GET /health`, without a key, once it says that all is well: on a busy machine a check may take longer than it is given, and its
    /// result is kept for ten seconds.
    ///
    /// # Panics
    /// When the service stays ill.
    pub async fn healthy(&self) -> Answer {
        let is_healthy = |answer: &Answer| answer.status == 200 && answer.json()["data"]["status"] == "healthy";
        let healthy = async || Some(send(self.anonymous(Method::GET, "/health")).await).filter(is_healthy);
        eventually("a healthy answer", Duration::from_secs(60), healthy).await
    }

    /// `GET /v1/ide-sync/changes` with a query.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn changes(&self, query: &str) -> Answer {
        self.get(&format!("/v1/ide-sync/changes?{query}")).await
    }

    /// Every page of changes up to the end, the first one with `query`, the others from where the one before ended.
    ///
    /// # Panics
    /// When a page is refused.
    pub async fn all_changes(&self, query: &str, paging: &str) -> Vec<Value> {
        let mut pages = vec![self.changes(&format!("{query}&{paging}")).await.data(200)];
        while let Some(last) = pages.last().filter(|page| page["has_more"] == true) {
            let next = format!("cursor={}&{paging}", last["next_cursor"].as_str().unwrap_or_default());
            pages.push(self.changes(&next).await.data(200));
        }
        pages
    }

    /// `POST /v1/ide-sync/create` with a new idempotency key.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn create(&self, body: &Value) -> Answer {
        self.create_as(&Uuid::new_v4().to_string(), body).await
    }

    /// `POST /v1/ide-sync/create` with an idempotency key of the test's choice.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn create_as(&self, idempotency_key: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, "/v1/ide-sync/create").header("Idempotency-Key", idempotency_key).json(&self.signed(body))).await
    }

    /// `POST /v1/ide-sync/create` with a body that need not be JSON.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn create_raw(&self, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, "/v1/ide-sync/create").header("Content-Type", "application/json");
        send(request.header("Idempotency-Key", Uuid::new_v4().to_string()).body(body)).await
    }

    /// A note that exists: its `note` object.
    ///
    /// # Panics
    /// When it is not created.
    pub async fn note(&self, path: &str, content: &str) -> Value {
        self.create(&note_in(path, content)).await.data(201)["note"].clone()
    }

    /// `PUT /v1/ide-sync/update/{id}` with a new idempotency key.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn update(&self, id: &str, body: &Value) -> Answer {
        self.update_as(&Uuid::new_v4().to_string(), id, body).await
    }

    /// `PUT /v1/ide-sync/update/{id}` with an idempotency key of the test's choice.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn update_as(&self, idempotency_key: &str, id: &str, body: &Value) -> Answer {
        let request = self.request(Method::PUT, &format!("/v1/ide-sync/update/{id}"));
        send(request.header("Idempotency-Key", idempotency_key).json(&self.signed(body))).await
    }

    /// `POST /v1/ide-sync/batch` with some items.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn batch(&self, notes: &[Value]) -> Answer {
        let notes: Vec<Value> = notes.iter().map(|note| self.signed(note)).collect();
        send(self.request(Method::POST, "/v1/ide-sync/batch").json(&json!({ "notes": notes }))).await
    }

    /// A note changed to another text: its `note` object.
    ///
    /// # Panics
    /// When it is not changed.
    pub async fn edited(&self, note: &Value, content: &str) -> Value {
        self.update(id_of(note), &note_update(note, content)).await.data(200)["note"].clone()
    }

    /// A write with an `If-Match` and a new idempotency key.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn write(&self, method: Method, path: &str, tag: &str, body: &Value) -> Answer {
        let request = self.request(method, path).header("Idempotency-Key", Uuid::new_v4().to_string()).header("X-Sync-Origin", self.origin);
        send(request.header("If-Match", tag).json(body)).await
    }

    /// A POST with a new idempotency key and a JSON body.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).header("Idempotency-Key", Uuid::new_v4().to_string()).json(body)).await
    }

    /// `DELETE /v1/ide-sync/delete/{id}`, whatever version is there.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn delete(&self, id: &str) -> Answer {
        let request = self.request(Method::DELETE, &format!("/v1/ide-sync/delete/{id}"));
        send(request.header("Idempotency-Key", Uuid::new_v4().to_string()).header("X-Sync-Origin", self.origin).header("If-Match", "*"))
            .await
    }
}

/// The entity tag of a note as it is.
#[must_use]
pub fn tag_of(note: &Value) -> String {
    format!("\"{}-{}\"", id_of(note), note["version"])
}

/// A note's id.
///
/// # Panics
/// When it is not a note.
#[must_use]
pub fn id_of(note: &Value) -> &str {
    note["id"].as_str().unwrap_or_else(|| panic!("no id in {note}"))
}

/// As [`send`], for a request whose body may be refused unread: nothing where the connection was closed while it was still being sent, so that the
/// answer was lost.
pub async fn try_send(request: RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    response.text().await.ok().map(|body| Answer { status, headers, body })
}

/// Sends a request and reads its answer whole.
///
/// # Panics
/// When the server cannot be reached.
pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap_or_else(|error| panic!("no answer: {error:?}"));
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.text().await.unwrap_or_else(|error| panic!("the answer was cut off: {error:?}"));
    Answer { status, headers, body }
}

/// A complete body for a create.
#[must_use]
pub fn note_in(path: &str, content: &str) -> Value {
    json!({
        "title": "A note",
        "content": content,
        "content_sha256": ContentHash::of(content),
        "ide_file_path": path,
        "ide_last_modified": "2026-01-31T09:30:00Z",
        "sync_origin_id": ORIGIN,
    })
}

/// A complete item of a batch that creates a note, with a new idempotency key.
#[must_use]
pub fn item(path: &str, content: &str) -> Value {
    let mut item = note_in(path, content);
    item["idempotency_key"] = json!(Uuid::new_v4());
    item
}

/// A complete body for an update of `note`, as its writer last saw it.
#[must_use]
pub fn note_update(note: &Value, content: &str) -> Value {
    json!({
        "content": content,
        "content_sha256": ContentHash::of(content),
        "ide_last_modified": "2026-01-31T09:31:00Z",
        "sync_origin_id": ORIGIN,
        "version_vector": note["version_vector"],
    })
}
