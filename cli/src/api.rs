//! A client of the HTTP interface: one method a route, retries where a retry is safe, errors as sentences.
//!
//! Every write carries an idempotency key that stays the same over its retries, so a lost answer never becomes a second note.

use std::time::Duration;

use anyhow::{Context, Result};
use noted_shared::domain::{NoteId, VersionVector};
use noted_shared::wire::{Envelope, NoteDeleted, NoteIn, NoteList, NoteOut, NoteReply, NoteUpdate, Problem, SyncStatus};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

use crate::config::Settings;
use crate::failure::{Failure, Kind};

const ATTEMPTS_MAX: u32 = 5;
const FIRST_DELAY: Duration = Duration::from_millis(250);
const DELAY_MAX: Duration = Duration::from_secs(8);
/// Longer waits than this are for a scheduler, not for somebody at a terminal.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const PAGE_SIZE: u16 = 500;

/// A server and a key.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: Url,
    api_key: String,
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
    /// A client for the given settings.
    ///
    /// # Errors
    /// When the TLS library cannot be set up.
    pub fn new(settings: &Settings) -> Result<Self> {
        // An error only says that this process has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("noted-cli/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, base: settings.url.clone(), api_key: settings.api_key.clone() })
    }

    /// The server's address.
    #[must_use]
    pub fn server(&self) -> &Url {
        &self.base
    }

    /// `POST /v1/ide-sync/create`.
    ///
    /// # Errors
    /// A [`Refusal`] of the server, or a [`Failure`] when it cannot be reached.
    pub async fn create(&self, note: &NoteIn) -> Result<NoteOut> {
        let request = self.request(Method::POST, "create", None)?.header("Idempotency-Key", Uuid::new_v4().to_string()).json(note);
        Ok(self.send::<NoteReply>(request).await?.note)
    }

    /// `PUT /v1/ide-sync/update/{id}`.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn update(&self, note_id: NoteId, update: &NoteUpdate) -> Result<NoteOut> {
        let request =
            self.request(Method::PUT, "update", Some(note_id))?.header("Idempotency-Key", Uuid::new_v4().to_string()).json(update);
        Ok(self.send::<NoteReply>(request).await?.note)
    }

    /// `DELETE /v1/ide-sync/delete/{id}`, on condition that nobody changed the note since `seen`.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn delete(&self, note_id: NoteId, origin: &str, seen: &VersionVector) -> Result<()> {
        let request = self.request(Method::DELETE, "delete", Some(note_id))?.query(&[("version_vector", serde_json::to_string(seen)?)]);
        let request = request.header("X-Sync-Origin", origin).header("Idempotency-Key", Uuid::new_v4().to_string());
        self.send::<NoteDeleted>(request).await.map(|_| ())
    }

    /// `GET /v1/ide-sync/status`.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn status(&self) -> Result<SyncStatus> {
        self.send(self.request(Method::GET, "status", None)?).await
    }

    /// `GET /v1/ide-sync/list`, every page, without the texts. `page` is told how many notes are known of how many.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn list(&self, mut page: impl FnMut(usize, i64)) -> Result<Vec<NoteOut>> {
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
            page(notes.len(), list.total);
            cursor = list.next_cursor.map(|cursor| cursor.to_string());
            if !list.has_more || cursor.is_none() {
                return Ok(notes);
            }
        }
    }

    fn request(&self, method: Method, action: &str, note_id: Option<NoteId>) -> Result<RequestBuilder> {
        let mut url = self.base.clone();
        let mut segments = url.path_segments_mut().ok().context("the server's address must be an http or https URL")?;
        segments.pop_if_empty().extend(["v1", "ide-sync", action]).extend(note_id.map(|id| id.to_string()));
        drop(segments);
        Ok(self.http.request(method, url).bearer_auth(&self.api_key))
    }

    /// Sends, and tries again as long as that is safe and promising.
    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let mut attempt = 1;
        loop {
            let copy = request.try_clone().context("the request's body can be sent again")?;
            let (failure, wait) = match exchange(copy).await {
                Ok(answer) => match answer.parse().map_err(|error| self.explain(error)) {
                    Ok(data) => return Ok(data),
                    Err(refused) if !is_transient(answer.status) => return Err(refused),
                    Err(refused) => (refused, answer.retry_after),
                },
                Err(error) => (self.unreachable(&error), None),
            };
            if attempt == ATTEMPTS_MAX || wait.is_some_and(|wait| wait > RETRY_AFTER_MAX) {
                return Err(failure);
            }
            tokio::time::sleep(wait.unwrap_or_else(|| backoff(attempt))).await;
            attempt += 1;
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
    let response = request.send().await?;
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    Ok(Answer { status, retry_after, body: response.bytes().await?.into() })
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

/// Whether the same request can succeed later. Every other 4xx is final.
fn is_transient(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 425 | 429 => true,
        501 | 505 => false,
        code => code >= 500,
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// Doubling from [`FIRST_DELAY`], up to a fifth more or less, so that many clients do not return at once.
fn backoff(attempt: u32) -> Duration {
    let delay = FIRST_DELAY.saturating_mul(1 << (attempt - 1).min(8)).min(DELAY_MAX);
    let jitter = 0.8 + 0.4 * f64::from(Uuid::new_v4().as_bytes()[0]) / 255.0;
    delay.mul_f64(jitter)
}

#[cfg(test)]
mod tests {
    use super::{StatusCode, backoff, is_transient};

    #[test]
    fn only_what_can_change_is_tried_again() {
        for (status, expected) in [
            (400, false),
            (401, false),
            (409, false),
            (413, false),
            (422, false),
            (408, true),
            (429, true),
            (500, true),
            (501, false),
            (503, true),
        ] {
            assert_eq!(is_transient(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }

    #[test]
    fn waits_grow_and_stay_bounded() {
        for attempt in 1..40 {
            let delay = backoff(attempt).as_secs_f64();
            assert!((0.2..=9.6).contains(&delay), "attempt {attempt}: {delay}");
        }
        assert!(backoff(4) > backoff(1));
    }
}
