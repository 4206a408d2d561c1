//! The answer: the one place where a status and headers are made.

use super::{Call, packing};
use crate::domain::{NoteId, Timestamp};
use crate::error::Error;
use crate::limits;
use crate::wire::envelope::API_VERSION;
use crate::wire::{Meta, Problem};
use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use spin_sdk::http::FullBody;
use std::fmt::Display;
use std::time::SystemTime;

/// An answer as the SDK's macro takes it.
pub type Response = http::Response<FullBody<Bytes>>;

/// What a handler found.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    /// The envelope up to the end of its `data`, so that a large answer is written once; or all there is, without an envelope.
    body: Vec<u8>,
    has_envelope: bool,
    problems: Vec<Problem>,
    headers: HeaderMap,
}

/// The entity tag of a note: its version, and what may stand behind that.
#[must_use]
pub fn note_tag(note_id: NoteId, state: impl Display) -> String {
    format!("\"{note_id}-{state}\"")
}

/// The answers without a body.
const NOT_MODIFIED: u16 = 304;
const NO_CONTENT: u16 = 204;

/// How every envelope begins.
const BEGIN: &[u8] = b"{\"data\":";

impl Reply {
    /// A success.
    pub fn ok(data: &impl Serialize) -> Result<Self, Error> {
        Self::with_status(200, data)
    }

    /// Something was made.
    pub fn created(data: &impl Serialize) -> Result<Self, Error> {
        Self::with_status(201, data)
    }

    /// An answer with another status.
    pub fn with_status(status: u16, data: &impl Serialize) -> Result<Self, Error> {
        let mut body = BEGIN.to_vec();
        serde_json::to_writer(&mut body, data).map_err(|wrong| Error::internal("writing an answer", wrong.to_string()))?;
        Ok(Self { status, body, has_envelope: true, problems: Vec::new(), headers: HeaderMap::new() })
    }

    /// A success whose first field is JSON text already, put in place unread; `rest` is an object with the other fields, at least one.
    pub fn with_bulk(field: &'static str, bulk: &str, rest: &impl Serialize) -> Result<Self, Error> {
        let rest = serde_json::to_vec(rest).map_err(|wrong| Error::internal("writing an answer", wrong.to_string()))?;
        let mut body = Vec::with_capacity(bulk.len() + rest.len() + 512);
        body.extend_from_slice(BEGIN);
        body.extend_from_slice(format!("{{\"{field}\":").as_bytes());
        body.extend_from_slice(bulk.as_bytes());
        body.push(b',');
        // The rest without its opening brace.
        body.extend_from_slice(rest.get(1..).unwrap_or_default());
        Ok(Self { status: 200, body, has_envelope: true, problems: Vec::new(), headers: HeaderMap::new() })
    }

    /// Lines of JSON, which a reader takes one by one, and so without an envelope.
    #[must_use]
    pub fn lines(lines: String) -> Self {
        let reply = Self { status: 200, body: lines.into_bytes(), has_envelope: false, problems: Vec::new(), headers: HeaderMap::new() };
        reply.with_header(header::CONTENT_TYPE, "application/x-ndjson")
    }

    /// Says what went wrong, whether or not there is data, and when to try again.
    #[must_use]
    pub fn with_problem(mut self, error: &Error) -> Self {
        self.problems = error.problems();
        match error.retry_after() {
            Some(seconds) => self.with_header(header::RETRY_AFTER, &seconds.to_string()),
            None => self,
        }
    }

    /// Says that the client has this answer already.
    #[must_use]
    pub fn not_modified(tag: &str) -> Self {
        Self { status: NOT_MODIFIED, body: Vec::new(), has_envelope: false, problems: Vec::new(), headers: HeaderMap::new() }.with_tag(tag)
    }

    /// Says which methods a route has.
    #[must_use]
    pub(super) fn options(allow: &str) -> Self {
        let reply = Self { status: NO_CONTENT, body: Vec::new(), has_envelope: false, problems: Vec::new(), headers: HeaderMap::new() };
        reply.with_header(header::ALLOW, &every_method(allow))
    }

    /// Gives the answer an entity tag.
    #[must_use]
    pub fn with_tag(self, tag: &str) -> Self {
        self.with_header(header::ETAG, tag)
    }

    /// Names the version of a note that the answer holds.
    #[must_use]
    pub fn with_version(self, note_id: NoteId, version: i64) -> Self {
        self.with_tag(&note_tag(note_id, version))
    }

    /// Says whether an earlier answer is given again.
    #[must_use]
    pub fn replayed(self, replayed: bool) -> Self {
        if replayed { self.with_header(HeaderName::from_static("idempotent-replayed"), "true") } else { self }
    }

    /// Adds a header. A value that no header can hold is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        set(&mut self.headers, name, value);
        self
    }

    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    /// An error as a reply.
    fn of(error: &Error) -> Self {
        let mut body = BEGIN.to_vec();
        body.extend_from_slice(b"null");
        let reply =
            Self { status: error.status(), body, has_envelope: true, problems: Vec::new(), headers: HeaderMap::new() }.with_problem(error);
        match error {
            Error::Method { allow } => reply.with_header(header::ALLOW, &every_method(allow)),
            Error::Unauthorized => reply.with_header(header::WWW_AUTHENTICATE, "Bearer"),
            _ => reply,
        }
    }
}

/// A route's methods with those that come with them.
fn every_method(allow: &str) -> String {
    let head = if allow.split(", ").any(|method| method == "GET") { ", HEAD" } else { "" };
    format!("{allow}{head}, OPTIONS")
}

/// Makes the response: closes the envelope, and adds what every response has. That of a HEAD is whole, too: the server that sends it leaves the
/// body out, and keeps its length.
pub(super) fn respond(call: &Call, result: Result<Reply, Error>) -> Response {
    let mut reply = result.unwrap_or_else(|error| Reply::of(&error));
    if reply.has_envelope {
        close(&call.ids.request, &mut reply);
    }
    pack(call, &mut reply);
    add_headers(call, &mut reply);
    let mut response = http::Response::new(FullBody::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = reply.headers;
    response
}

fn close(request_id: &str, reply: &mut Reply) {
    #[derive(Serialize)]
    struct Rest<'a> {
        meta: Meta,
        errors: &'a [Problem],
    }
    let timestamp = Timestamp::from_system(SystemTime::now()).unwrap_or(Timestamp::EPOCH);
    let meta = Meta { request_id: request_id.to_owned(), timestamp, api_version: API_VERSION.into() };
    // Nothing in here can fail to serialise; an envelope that did would be cut off, and so noticed.
    let rest = serde_json::to_vec(&Rest { meta, errors: &reply.problems }).unwrap_or_default();
    reply.body.push(b',');
    reply.body.extend_from_slice(rest.get(1..).unwrap_or_default());
}

/// Sends the answer as gzip if that is what the client prefers and it is worth it.
fn pack(call: &Call, reply: &mut Reply) {
    let tag = reply.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    let is_packed = if reply.status == NOT_MODIFIED {
        tag.as_deref().is_some_and(|tag| call.knows_packed(tag))
    } else {
        let packed = if reply.body.len() >= limits::PACKED_BYTES_MIN && call.prefers_gzip() { packing::gzip(&reply.body) } else { None };
        packed
            .map(|packed| {
                reply.body = packed;
                set(&mut reply.headers, header::CONTENT_ENCODING, "gzip");
            })
            .is_some()
    };
    if is_packed && let Some(tag) = tag {
        set(&mut reply.headers, header::ETAG, &packing::packed_tag(&tag));
    }
}

fn add_headers(call: &Call, reply: &mut Reply) {
    let Reply { status, headers, body, .. } = reply;
    headers.insert(header::VARY, HeaderValue::from_static(call.cors.varies_by()));
    call.cors.add_headers(headers, call.is_options());
    // Without a length a response is sent in chunks, which costs 40 ms on a kept connection.
    if *status != NOT_MODIFIED && *status != NO_CONTENT {
        headers.insert(header::CONTENT_LENGTH, body.len().into());
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    }
    // What has a tag may be kept by the one client that asked, and is asked for again each time.
    let caching = if call.is_read() && headers.contains_key(header::ETAG) { "private, no-cache" } else { "no-store" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(HeaderName::from_static("api-version"), HeaderValue::from_static(API_VERSION));
    set(headers, HeaderName::from_static("x-request-id"), &call.ids.request);
    set(headers, HeaderName::from_static("x-correlation-id"), &call.ids.correlation);
    if let Some(rate) = call.rate {
        headers.insert(HeaderName::from_static("x-ratelimit-limit"), rate.limit.into());
        headers.insert(HeaderName::from_static("x-ratelimit-remaining"), rate.remaining.into());
        headers.insert(HeaderName::from_static("x-ratelimit-reset"), rate.reset_at.seconds().into());
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{Reply, close};
    use crate::error::Error;
    use crate::wire::{Envelope, NoteList};
    use serde_json::{Value, json};

    fn envelope(mut reply: Reply) -> Envelope<Value> {
        close("request-1", &mut reply);
        serde_json::from_slice(&reply.body).unwrap()
    }

    #[test]
    fn what_is_written_is_what_clients_read() {
        let written = envelope(Reply::ok(&json!({"a": 1})).unwrap());
        assert_eq!((written.data, written.meta.request_id.as_str(), written.errors.len()), (Some(json!({"a": 1})), "request-1", 0));
        let written = envelope(Reply::of(&Error::NoRoute));
        assert_eq!((written.data, written.errors[0].code.as_ref()), (None, "NOT_FOUND"));
    }

    #[test]
    fn a_bulk_is_put_in_place_unread() {
        let rest = json!({"total": 2, "has_more": false, "next_cursor": null});
        let written = envelope(Reply::with_bulk("notes", "[1, 2]", &rest).unwrap());
        let list: NoteList<Vec<i32>> = serde_json::from_value(written.data.unwrap()).unwrap();
        assert_eq!((list.notes, list.total, list.has_more), (vec![1, 2], 2, false));
    }
}
