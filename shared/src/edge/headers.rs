//! What the request's headers say: who asks, and under which ids.
//!
//! Only headers that the client sends are read. Spin adds some of its own (`spin-*`), but a client can send those too and would win.

use crate::domain::{ApiKey, Invalid, NoteId, WorkspaceId};
use crate::error::Error;
use crate::limits;
use http::HeaderMap;
use uuid::Uuid;

/// The names a request goes by.
#[derive(Debug)]
pub(super) struct Ids {
    /// This one request.
    pub(super) request: String,
    /// The chain of requests that it belongs to.
    pub(super) correlation: String,
}

impl Ids {
    /// A new request id; the correlation id that the client sent in any of the usual ways, or the request id.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let request = Uuid::new_v4().to_string();
        let correlation = one(headers, "x-correlation-id")
            .filter(|id| is_id(id))
            .or_else(|| one(headers, "traceparent").and_then(trace_id))
            .or_else(|| one(headers, "x-trace-id").filter(|id| is_id(id)))
            .map_or_else(|| request.clone(), str::to_owned);
        Self { request, correlation }
    }
}

/// The headers that anything is read from.
const READ: [&str; 16] = [
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Origin",
    "Traceparent",
    "X-API-Key",
    "X-Correlation-ID",
    "X-Sync-Origin",
    "X-Trace-ID",
    "X-Workspace-ID",
];

/// Refuses what cannot be read where it would be read. What others put into headers of their own is theirs.
pub(super) fn must_be_text(headers: &HeaderMap) -> Result<(), Error> {
    let is_text = |name: &&str| headers.get_all(*name).iter().all(|value| value.to_str().is_ok());
    match READ.iter().find(|name| !is_text(name)) {
        Some(name) => Err(Error::field(name, Invalid::malformed("must be visible ASCII characters"))),
        None => Ok(()),
    }
}

/// The value of a header that is sent once and is text.
pub(super) fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The key, from `Authorization: Bearer` or `X-API-Key`; sent in both, it must be the same.
pub(super) fn api_key(headers: &HeaderMap) -> Result<ApiKey, Error> {
    let sent = |name| match headers.contains_key(name) {
        true => one(headers, name).map(Some).ok_or(Error::Unauthorized),
        false => Ok(None),
    };
    let bearer = sent("authorization")?.map(|value| bearer(value).ok_or(Error::Unauthorized)).transpose()?;
    let key = match (bearer, sent("x-api-key")?) {
        (Some(bearer), Some(key)) if bearer != key => return Err(Error::Unauthorized),
        (Some(key), _) | (None, Some(key)) => key,
        (None, None) => return Err(Error::Unauthorized),
    };
    ApiKey::parse(key).map_err(|_| Error::Unauthorized)
}

/// The workspace, if the client names one.
pub(super) fn workspace(headers: &HeaderMap) -> Result<Option<WorkspaceId>, Error> {
    const NAME: &str = "X-Workspace-ID";
    match (headers.contains_key(NAME), one(headers, NAME)) {
        (false, _) => Ok(None),
        (true, Some(id)) => WorkspaceId::parse(id).map(Some).map_err(|wrong| Error::field(NAME, wrong)),
        (true, None) => Err(Error::field(NAME, Invalid::malformed("must be sent once"))),
    }
}

/// What `If-Match` demands of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// That it exists.
    Any,
    /// That it is at this version.
    Version(i64),
}

impl IfMatch {
    /// The version, if one is demanded.
    pub const fn version(self) -> Option<i64> {
        match self {
            Self::Any => None,
            Self::Version(version) => Some(version),
        }
    }
}

/// The version of a note that `If-Match` demands: the note's entity tag, or the bare number in quotes. `*` demands nothing but that the note
/// exists. The tag of another note is one that this note never had.
pub(super) fn if_match(headers: &HeaderMap, note_id: NoteId) -> Result<Option<IfMatch>, Error> {
    const NAME: &str = "If-Match";
    if !headers.contains_key(NAME) {
        return Ok(None);
    }
    match one(headers, NAME).map(|tag| (tag, version_of(tag, note_id))) {
        Some(("*", _)) => Ok(Some(IfMatch::Any)),
        Some((_, Some(version))) => Ok(Some(IfMatch::Version(version))),
        _ => Err(Error::field(NAME, Invalid::malformed("must be one entity tag that this API gave out, or *"))),
    }
}

/// The version behind an entity tag; 0, which no note has, where the tag is another note's. What stands behind the version changes without
/// anybody writing, so it is nothing that a writer must have seen.
fn version_of(tag: &str, note_id: NoteId) -> Option<i64> {
    let (id, state) = parts(tag)?;
    let version = state.split('.').next()?.parse().ok()?;
    Some(if id.is_none_or(|id| id == note_id) { version } else { 0 })
}

/// What an entity tag says of a note: its version, and what changes without one.
pub(super) fn state_of(tag: &str, note_id: NoteId) -> Option<&str> {
    let (id, state) = parts(tag)?;
    id.is_none_or(|id| id == note_id).then_some(state)
}

/// The note and the state that an entity tag names; the note may be left out.
fn parts(tag: &str) -> Option<(Option<NoteId>, &str)> {
    let tag = tag.strip_prefix('"')?.strip_suffix('"')?;
    match tag.rsplit_once('-') {
        None => Some((None, tag)),
        Some((id, state)) => Some((Some(NoteId::parse(id).ok()?), state)),
    }
}

/// The entity tags of `If-None-Match`, without the marks of weak ones: for a read a weak tag is as good. `*` is among them as it stands.
pub(super) fn if_none_match(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all("if-none-match").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/"))
}

pub(super) fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= limits::TRACE_ID_BYTES_MAX
        && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// The trace id of a W3C `traceparent`: version, 32 hexadecimal digits that are not all zero, and more.
fn trace_id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex(version, 2) && is_hex(trace, 32) && is_hex(parent, 16) && trace.bytes().any(|byte| byte != b'0')).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::{Ids, IfMatch, api_key, if_match, must_be_text};
    use crate::domain::api_key::Environment;
    use crate::domain::{ApiKey, NoteId};
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn what_is_read_must_be_text() {
        let check = |name: &'static str, value: &[u8], accepted: bool| {
            let map = [(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())].into_iter().collect();
            assert_eq!(must_be_text(&map).is_ok(), accepted, "{name}");
        };
        check("x-api-key", b"caf\xe9", false);
        check("if-match", "\u{e9}".as_bytes(), false);
        check("if-match", b"\"3\"", true);
        check("x-city", "S\u{e3}o Paulo".as_bytes(), true);
    }

    #[test]
    fn two_carriers_must_agree() {
        let key = |byte| ApiKey::from_random(Environment::Test, &[byte; 32]);
        let (one, other) = (key(1), key(2));
        let bearer = format!("Bearer {}", one.reveal());
        let check = |pairs: &[(&'static str, &str)], accepted: bool| assert_eq!(api_key(&headers(pairs)).is_ok(), accepted, "{pairs:?}");
        check(&[], false);
        check(&[("authorization", &bearer)], true);
        check(&[("authorization", &bearer.to_lowercase())], false);
        check(&[("authorization", &bearer.replace("Bearer", "bearer"))], true);
        check(&[("authorization", one.reveal())], false);
        check(&[("authorization", "Basic YTpi"), ("x-api-key", one.reveal())], false);
        check(&[("x-api-key", one.reveal())], true);
        check(&[("authorization", &bearer), ("x-api-key", one.reveal())], true);
        check(&[("authorization", &bearer), ("x-api-key", other.reveal())], false);
        check(&[("x-api-key", one.reveal()), ("x-api-key", other.reveal())], false);
    }

    #[test]
    fn the_correlation_id_comes_from_the_client_if_it_can() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        let check = |pairs: &[(&'static str, &str)], expected: &str| assert_eq!(Ids::of(&headers(pairs)).correlation, expected);
        check(&[("x-correlation-id", "chain-1"), ("traceparent", &parent)], "chain-1");
        check(&[("traceparent", &parent)], trace);
        check(&[("x-correlation-id", "two words"), ("x-trace-id", "t-1")], "t-1");
        let ids = Ids::of(&headers(&[("traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01")]));
        assert_eq!(ids.correlation, ids.request);
    }

    #[test]
    fn if_match_takes_one_strong_tag_of_the_note() {
        let id = "018f4d2e-7c1a-7000-8000-0123456789ab";
        let note_id = NoteId::parse(id).unwrap();
        let check = |tag: &str, expected: Option<IfMatch>| {
            assert_eq!(if_match(&headers(&[("if-match", tag)]), note_id).ok().flatten(), expected, "{tag}");
        };
        check("\"3\"", Some(IfMatch::Version(3)));
        check(&format!("\"{id}-3\""), Some(IfMatch::Version(3)));
        check(&format!("\"{id}-3.completed\""), Some(IfMatch::Version(3)));
        check(&format!("\"{id}-3.completed.gzip\""), Some(IfMatch::Version(3)));
        check("\"3.gzip\"", Some(IfMatch::Version(3)));
        check(&format!("\"{}-3\"", id.replace('a', "b")), Some(IfMatch::Version(0)));
        check("*", Some(IfMatch::Any));
        check("W/\"3\"", None);
        check("3", None);
        check("\"x\"", None);
        check("\"x-3\"", None);
        assert!(if_match(&headers(&[("if-match", "3")]), note_id).is_err());
        assert_eq!(if_match(&HeaderMap::new(), note_id).unwrap(), None);
    }
}
