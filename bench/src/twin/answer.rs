//! The twin's answers: envelope, headers and log line, byte for byte as the components make them but for ids and times.

use std::io::Write;
use std::time::SystemTime;

use axum::body::Body;
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use noted_shared::domain::{OriginId, Timestamp};
use noted_shared::error::Error;
use noted_shared::wire::envelope::API_VERSION;
use noted_shared::wire::{Meta, Problem};
use serde::Serialize;

use super::call::Call;

/// An envelope up to the end of its `data`.
pub(super) struct Reply {
    status: u16,
    body: Vec<u8>,
    problems: Vec<Problem>,
    tag: Option<String>,
    is_kept: bool,
}

const BEGIN: &[u8] = b"{\"data\":";

impl Reply {
    pub(super) fn of(status: u16, data: &impl Serialize) -> Result<Self, Error> {
        let mut body = BEGIN.to_vec();
        serde_json::to_writer(&mut body, data).map_err(unwritten)?;
        Ok(Self { status, body, problems: Vec::new(), tag: None, is_kept: false })
    }

    /// A success with a field that is JSON already, and goes on unread.
    pub(super) fn with_bulk(field: &str, bulk: &str, rest: &impl Serialize) -> Result<Self, Error> {
        let rest = serde_json::to_string(rest).map_err(unwritten)?;
        let mut body = Vec::with_capacity(bulk.len() + rest.len() + 512);
        body.extend_from_slice(BEGIN);
        body.extend_from_slice(format!("{{\"{field}\":").as_bytes());
        body.extend_from_slice(bulk.as_bytes());
        body.push(b',');
        body.extend_from_slice(rest.trim_start_matches('{').as_bytes());
        Ok(Self { status: 200, body, problems: Vec::new(), tag: None, is_kept: false })
    }

    pub(super) fn with_version(self, version: i64) -> Self {
        Self { tag: Some(format!("\"{version}\"")), ..self }
    }

    /// The tag of a list, which its reader may keep.
    pub(super) fn with_list_tag(self, tag: String) -> Self {
        Self { tag: Some(tag), is_kept: true, ..self }
    }

    fn refusal(error: &Error) -> Self {
        Self { status: error.status(), body: [BEGIN, b"null"].concat(), problems: error.problems(), tag: None, is_kept: false }
    }
}

fn unwritten(wrong: serde_json::Error) -> Error {
    Error::internal("writing an answer", wrong.to_string())
}

/// Logs the request and makes its response.
pub(super) fn respond(call: &Call, result: Result<Reply, Error>) -> Response {
    log(call, &result);
    let mut reply = result.unwrap_or_else(|error| Reply::refusal(&error));
    close(call, &mut reply);
    let headers = headers(call, &reply);
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

fn close(call: &Call, reply: &mut Reply) {
    #[derive(Serialize)]
    struct End<'a> {
        meta: Meta,
        errors: &'a [Problem],
    }
    let meta = Meta { request_id: call.request_id.clone(), timestamp: now(), api_version: API_VERSION.into() };
    let end = serde_json::to_vec(&End { meta, errors: &reply.problems }).unwrap_or_default();
    reply.body.push(b',');
    reply.body.extend_from_slice(end.get(1..).unwrap_or_default());
}

fn headers(call: &Call, reply: &Reply) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_LENGTH, reply.body.len().into());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let caching = if reply.is_kept { "private, no-cache" } else { "no-store" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(HeaderName::from_static("api-version"), HeaderValue::from_static(API_VERSION));
    let texts = [
        (HeaderName::from_static("x-request-id"), Some(call.request_id.clone())),
        (HeaderName::from_static("x-correlation-id"), Some(call.correlation_id.clone())),
        (header::ETAG, reply.tag.clone()),
    ];
    for (name, text) in texts {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

#[derive(Serialize)]
struct Line<'a> {
    level: &'a str,
    message: &'a str,
    timestamp: Timestamp,
    correlation_id: &'a str,
    request_id: &'a str,
    context: Context<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    operation: &'a str,
    api_version: &'a str,
    status: u16,
    duration_ms: f64,
    user_id: Option<&'a str>,
    note_id: Option<String>,
    sync_origin_id: Option<&'a str>,
    cause: Option<&'a str>,
}

/// One line on standard error, which goes to a file, as a component's log does.
fn log(call: &Call, result: &Result<Reply, Error>) {
    let error = result.as_ref().err();
    let line = Line {
        level: if error.is_some() { "error" } else { "info" },
        message: error.map_or("answered", |error| error.code().name()),
        timestamp: now(),
        correlation_id: &call.correlation_id,
        request_id: &call.request_id,
        context: Context {
            operation: call.operation,
            api_version: API_VERSION,
            status: result.as_ref().map_or_else(Error::status, |reply| reply.status),
            duration_ms: call.started.elapsed().as_secs_f64() * 1000.0,
            user_id: call.user_id.as_deref(),
            note_id: call.note_id.map(|id| id.to_string()),
            sync_origin_id: call.origin.as_ref().map(OriginId::as_str),
            cause: error.and_then(Error::fault).map(|fault| fault.cause.as_str()),
        },
    };
    if let Ok(mut text) = serde_json::to_vec(&line) {
        text.push(b'\n');
        // A log that cannot be written is no reason to fail a request.
        let _ = std::io::stderr().lock().write_all(&text);
    }
}

fn now() -> Timestamp {
    Timestamp::from_system(SystemTime::now()).unwrap_or(Timestamp::EPOCH)
}
