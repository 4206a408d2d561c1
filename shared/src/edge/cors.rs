//! Which web pages may ask from a browser: those of the origins that the operator has named, and none otherwise.
//!
//! An origin is answered by its own name and never by `*`, and nothing is allowed to travel by itself (no credentials): a page brings a key.

use super::settings;
use http::{HeaderMap, HeaderValue, header};

/// Headers that a page may send.
const SENT: &str = "Accept, Authorization, Content-Encoding, Content-Type, Idempotency-Key, If-Match, If-None-Match, Traceparent, X-API-Key, \
                    X-Correlation-Id, X-Sync-Origin, X-Trace-Id, X-Workspace-Id";

/// Headers of an answer that a page may read.
const SHOWN: &str = "API-Version, Deprecation, ETag, Idempotent-Replayed, Link, Location, Retry-After, Sunset, X-Correlation-Id, \
                     X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id";

/// How long a browser need not ask again, in seconds.
const AGE: &str = "600";

/// What a browser is to be told.
#[derive(Debug, Default)]
pub(super) struct Cors {
    /// Whether answers differ by origin at all.
    is_on: bool,
    /// The request's origin, where it is one of those that may ask.
    allowed: Option<HeaderValue>,
}

impl Cors {
    /// Looks the request's origin up among those that the operator allows.
    pub(super) async fn of(headers: &HeaderMap) -> Self {
        Self::among(&settings::cors_allowed_origins().await, headers)
    }

    fn among(origins: &[String], headers: &HeaderMap) -> Self {
        let origin = headers.get(header::ORIGIN).filter(|origin| origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()));
        Self { is_on: !origins.is_empty(), allowed: origin.cloned() }
    }

    /// What answers differ by, to be said to caches.
    pub(super) const fn varies_by(&self) -> &'static str {
        if self.is_on { "Accept-Encoding, Origin" } else { "Accept-Encoding" }
    }

    /// Adds what lets the page read the answer; where it only asked for permission, what it may send instead.
    pub(super) fn add_headers(&self, headers: &mut HeaderMap, is_preflight: bool) {
        let Some(origin) = &self.allowed else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if !is_preflight {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN));
            return;
        }
        if let Some(methods) = headers.get(header::ALLOW).cloned() {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(SENT));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(AGE));
    }
}

#[cfg(test)]
mod tests {
    use super::Cors;
    use http::{HeaderMap, HeaderValue, header};

    #[test]
    fn nobody_is_allowed_unless_the_operator_names_them() {
        let check = |origins: &[&str], origin: &'static str, allowed: bool| {
            let origins: Vec<String> = origins.iter().map(|&origin| origin.to_owned()).collect();
            let cors = Cors::among(&origins, &[(header::ORIGIN, HeaderValue::from_static(origin))].into_iter().collect());
            let mut headers = HeaderMap::new();
            cors.add_headers(&mut headers, false);
            assert_eq!(headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), allowed, "{origins:?} {origin}");
        };
        check(&[], "https://app.example", false);
        check(&["https://app.example"], "https://app.example", true);
        check(&["https://app.example"], "https://app.example.evil", false);
        check(&["https://app.example"], "http://app.example", false);
        check(&["https://app.example"], "null", false);
        check(&["*"], "https://app.example", false);
    }
}
