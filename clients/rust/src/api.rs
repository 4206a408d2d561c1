//! A client of the HTTP interface: one method a route, retries where a retry is safe, errors as sentences.
//!
//! Every write carries an idempotency key that stays the same over its retries, so a lost answer never becomes a second note.

mod batch;
mod exchange;
mod folders;
mod retry;
mod search;
mod trash;

pub use batch::Batched;
pub use retry::Retry;

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use noted_shared::domain::{IdempotencyKey, NoteId};
use noted_shared::wire::{Envelope, NoteList, NoteOut, Problem, SyncStatus};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::failure::{Failure, Kind};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No answer of Noted's is as large: a server that sends more is not to fill this machine's memory.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const PAGE_SIZE: u16 = 500;

/// A server and a key.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: Url,
    api_key: String,
    retry: Retry,
    on_retry: fn(u32, u32, Duration),
}

/// Why the server refused.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The first problem of the envelope.
    pub problem: Problem,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.problem.message, self.problem.code)
    }
}

impl std::error::Error for Refusal {}

impl Api {
    /// A client of the server at `base`.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(base: &Url, api_key: &str, retry: Retry) -> Result<Self> {
        // An error only says that this process has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // Whoever answers for the address is not to send texts and keys on to another.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("noted-cli/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, base: base.clone(), api_key: api_key.to_owned(), retry, on_retry: |_, _, _| {} })
    }

    /// Tells before each further attempt which one of how many it is, and how long it waits for it.
    #[must_use]
    pub fn telling_retries(self, on_retry: fn(u32, u32, Duration)) -> Self {
        Self { on_retry, ..self }
    }

    /// Asks once and does not try again.
    #[must_use]
    pub fn asking_once(&self) -> Self {
        Self { retry: Retry { attempts: 1, ..self.retry }, ..self.clone() }
    }

    /// The server's address.
    #[must_use]
    pub fn server(&self) -> &Url {
        &self.base
    }

    /// `GET /v1/ide-sync/status`.
    ///
    /// # Errors
    /// A [`Refusal`] of the server, or a [`Failure`] when it cannot be reached.
    pub async fn status(&self) -> Result<SyncStatus> {
        self.send(self.request(Method::GET, "status", None)?).await
    }

    /// `GET /v1/ide-sync/list`, every page, without the texts.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub async fn list(&self) -> Result<Vec<NoteOut>> {
        let mut notes = Vec::new();
        let mut cursor = None;
        loop {
            let mut request = self.request(Method::GET, "list", None)?.query(&[("limit", PAGE_SIZE.to_string())]);
            request = request.query(&[("include_content", "false")]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let list: NoteList = self.send(request).await?;
            notes.extend(list.notes);
            cursor = list.next_cursor.map(|cursor| cursor.to_string());
            if !list.has_more || cursor.is_none() {
                return Ok(notes);
            }
        }
    }

    fn request(&self, method: Method, action: &str, note_id: Option<NoteId>) -> Result<RequestBuilder> {
        let note_id = note_id.map(|id| id.to_string());
        let path: Vec<&str> = ["v1", "ide-sync", action].into_iter().chain(note_id.as_deref()).collect();
        self.route(method, &path)
    }

    fn route(&self, method: Method, path: &[&str]) -> Result<RequestBuilder> {
        let mut url = self.base.clone();
        let mut segments = url.path_segments_mut().ok().context("the server's address must be an http or https URL")?;
        segments.pop_if_empty().extend(path);
        drop(segments);
        Ok(self.http.request(method, url).bearer_auth(&self.api_key))
    }

    fn write(&self, method: Method, action: &str, note_id: Option<NoteId>, key: &IdempotencyKey) -> Result<RequestBuilder> {
        Ok(self.request(method, action, note_id)?.header("Idempotency-Key", key.as_str()))
    }

    /// Sends, and tries again as long as that is safe and promising.
    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let mut attempts = 0;
        loop {
            let copy = request.try_clone().context("the request's body can be sent again")?;
            attempts += 1;
            let (failure, asked) = match exchange(copy).await {
                Ok(answer) => match answer.parse().map_err(|error| self.explain(error)) {
                    Ok(data) => return Ok(data),
                    Err(refused) if !retry::is_transient(answer.status) => return Err(refused),
                    Err(refused) => (self.not_now(&refused), answer.retry_after),
                },
                Err(error) => (self.unreachable(&error), None),
            };
            let Some(wait) = self.retry.wait(attempts, asked) else { return Err(failure) };
            (self.on_retry)(attempts + 1, self.retry.attempts, wait);
            tokio::time::sleep(wait).await;
        }
    }

    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast_ref::<Refusal>() {
            Some(refusal) if matches!(refusal.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                let message = format!("{} refused the key: {}", self.base, refusal.problem.message);
                Failure::new(Kind::Unauthorized, message).into()
            }
            _ => error,
        }
    }

    fn not_now(&self, refused: &anyhow::Error) -> anyhow::Error {
        Failure::new(Kind::Unreachable, format!("{} cannot answer now: {refused:#}", self.base)).into()
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        let cause = if error.is_timeout() { "it did not answer in time" } else { "no server answers there; is `noted up` running?" };
        Failure::new(Kind::Unreachable, format!("cannot reach {}: {cause}", self.base)).into()
    }
}

/// An answer that arrived whole.
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

async fn exchange(request: RequestBuilder) -> reqwest::Result<Answer> {
    let mut response = request.send().await?;
    let (status, retry_after) = (response.status(), retry::retry_after(response.headers(), SystemTime::now()));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            // Cut off, it is no answer of Noted's.
            break;
        }
    }
    Ok(Answer { status, retry_after, body })
}

impl Answer {
    fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        let not_noted = || format!("the answer ({}) is not one of Noted's; check the server's address", self.status);
        let envelope: Envelope<serde_json::Value> = serde_json::from_slice(&self.body).with_context(not_noted)?;
        match (envelope.data, envelope.errors.into_iter().next()) {
            (_, Some(problem)) => Err(Refusal { status: self.status, problem }.into()),
            (Some(data), None) if self.status.is_success() => serde_json::from_value(data).with_context(not_noted),
            _ => anyhow::bail!(not_noted()),
        }
    }
}
