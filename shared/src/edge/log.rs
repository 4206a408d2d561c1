//! One JSON line on standard output for each request.
//!
//! A line names ids, counts and causes. It has no place for a key, a title, a path or a text: what must not be logged is not redacted,
//! it never gets here.

use super::settings::{self, Level};
use super::{Call, Reply};
use crate::domain::{OriginId, Timestamp};
use crate::error::{Code, Error};
use crate::wire::envelope::API_VERSION;
use serde::Serialize;
use std::io::Write;
use std::time::SystemTime;

#[derive(Serialize)]
struct Line<'a> {
    level: Level,
    message: &'a str,
    timestamp: Timestamp,
    correlation_id: &'a str,
    request_id: &'a str,
    context: Context<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    operation: &'a str,
    /// The route, where the operation is an event on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    api_version: &'a str,
    status: u16,
    duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_origin_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doing: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
}

/// Logs how a request ended.
pub(super) fn request(call: &Call, result: &Result<Reply, Error>) {
    let error = result.as_ref().err();
    let level = match error.map(Error::status) {
        None => Level::Info,
        Some(500..) => Level::Error,
        Some(_) => Level::Warn,
    };
    if level < settings::log_level() {
        return;
    }
    write(&Line {
        level,
        message: error.map_or("answered", |error| error.code().name()),
        timestamp: Timestamp::from_system(SystemTime::now()).unwrap_or(Timestamp::EPOCH),
        correlation_id: &call.ids.correlation,
        request_id: &call.ids.request,
        context: context(call, result),
    });
}

fn context<'a>(call: &'a Call, result: &'a Result<Reply, Error>) -> Context<'a> {
    let error = result.as_ref().err();
    let event = error.map(|error| if matches!(error, Error::Conflict(_)) { "conflict_detected" } else { "api_error" });
    let fault = error.and_then(Error::fault);
    Context {
        operation: event.unwrap_or(call.route.operation),
        route: event.map(|_| call.route.operation),
        api_version: API_VERSION,
        status: result.as_ref().map_or_else(Error::status, Reply::status),
        duration_ms: call.started.elapsed().as_secs_f64() * 1000.0,
        user_id: call.user_id.as_deref(),
        note_id: call.note_id.map(|id| id.to_string()),
        sync_origin_id: call.origin.as_ref().map(OriginId::as_str),
        code: error.map(Error::code).map(Code::name),
        doing: fault.map(|fault| fault.doing),
        cause: fault.map(|fault| fault.cause.as_str()),
    }
}

/// Writes a line at once, so that lines of requests that run side by side do not mix.
fn write(line: &Line<'_>) {
    if let Ok(mut text) = serde_json::to_vec(line) {
        text.push(b'\n');
        // A log that cannot be written is no reason to fail a request.
        let _ = std::io::stdout().lock().write_all(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::Level;

    #[test]
    fn an_unknown_level_is_the_usual_one() {
        let check = |text, expected| assert_eq!(Level::parse(text), expected);
        check("debug", Level::Debug);
        check("WARN", Level::Warn);
        check("error", Level::Error);
        check("", Level::Info);
        check("verbose", Level::Info);
    }
}
