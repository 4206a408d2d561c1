//! What the host answers in a component's place: when a request cannot be given to one, and when one fails.
//!
//! Without more these answers are empty, as Spin's are. An application whose clients read a body can say in its manifest what it looks
//! like, in `[application.tool.noted-host.problem]`, which Spin leaves to the tools: JSON in which a few words are replaced.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::SystemTime;
use uuid::Uuid;
use wasmtime_wasi_http::WasiBody;

/// Names a request, in answers and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest name that a client may give to its request.
const REQUEST_ID_BYTES_MAX: usize = 128;
/// When what was refused for lack of room may be tried again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why no component answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Problem {
    /// The request's head is not one that a component could be given; says why.
    BadHead(&'static str),
    /// No route leads anywhere.
    NoRoute,
    /// The component failed at this request.
    Failed,
    /// The component failed at another request while it was at this one.
    Interrupted,
    /// There was no answer in time.
    TimedOut,
    /// There is no room for one more request, instance or connection.
    Full,
}

/// `[application.tool.noted-host.problem]`: how the application wants its problems to look.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProblemFormat {
    /// The body, as JSON. The strings `{{ code }}`, `{{ message }}`, `{{ request_id }}` and `{{ timestamp }}` are replaced.
    body: Json,
    /// The application's names for statuses.
    codes: BTreeMap<String, String>,
}

/// TOML has no null, so the body is a text that holds JSON.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Json(Value);

impl TryFrom<String> for Json {
    type Error = serde_json::Error;

    fn try_from(text: String) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&text).map(Self)
    }
}

/// What the application or the client calls a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The client's own name for it, or a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).filter(|id| (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.to_str().is_ok());
        Self(given.cloned().unwrap_or_else(Self::fresh))
    }

    fn fresh() -> HeaderValue {
        HeaderValue::try_from(Uuid::new_v4().to_string()).unwrap_or(HeaderValue::from_static("unnamed"))
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl Problem {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BadHead(_) => StatusCode::BAD_REQUEST,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Interrupted | Self::TimedOut | Self::Full => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::BadHead(reason) => reason,
            Self::NoRoute => "There is nothing at this address",
            Self::Failed => "Something went wrong on our side",
            Self::Interrupted => "Something went wrong on our side while this request was under way; try again",
            Self::TimedOut => "The answer took too long; try again",
            Self::Full => "The service has no room for this request right now; try again",
        }
    }

    /// The answer to the request of this name.
    pub(crate) fn answer(self, format: Option<&ProblemFormat>, request_id: &RequestId) -> Response<WasiBody> {
        let body = format.map(|format| format.body(self, request_id)).unwrap_or_default();
        let mut response = Response::new(Full::new(body).map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if format.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(REQUEST_ID, request_id.0.clone());
        }
        response
    }
}

impl ProblemFormat {
    fn body(&self, problem: Problem, request_id: &RequestId) -> Bytes {
        let status = problem.status();
        let code = self.codes.get(status.as_str()).map_or(status.as_str(), String::as_str);
        let timestamp = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
        let word = |text: &str| match text {
            "{{ code }}" => Some(code),
            "{{ message }}" => Some(problem.message()),
            "{{ request_id }}" => Some(request_id.as_str()),
            "{{ timestamp }}" => Some(timestamp.as_str()),
            _ => None,
        };
        Bytes::from(filled(&self.body.0, &word).to_string())
    }
}

/// The same value, with words in their places.
fn filled<'a>(value: &Value, word: &impl Fn(&str) -> Option<&'a str>) -> Value {
    match value {
        Value::String(text) => word(text).unwrap_or(text).into(),
        Value::Array(items) => items.iter().map(|item| filled(item, word)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), filled(field, word))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn format() -> ProblemFormat {
        let manifest = r#"
            body = '{"data": null, "errors": [{"code": "{{ code }}", "message": "{{ message }}"}], "id": "{{ request_id }}"}'
            codes = { 400 = "UNREADABLE" }
        "#;
        toml::from_str(manifest).unwrap()
    }

    async fn body(response: Response<WasiBody>) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    fn named(id: &str) -> RequestId {
        RequestId::of(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(id).unwrap())]))
    }

    #[tokio::test]
    async fn the_body_is_the_applications_with_words_in_their_places() {
        let response = Problem::BadHead("which \"host\"?").answer(Some(&format()), &named("seven"));
        assert_eq!((response.status(), &response.headers()[REQUEST_ID]), (StatusCode::BAD_REQUEST, &HeaderValue::from_static("seven")));
        let expected = json!({ "data": null, "errors": [{ "code": "UNREADABLE", "message": "which \"host\"?" }], "id": "seven" });
        assert_eq!(serde_json::from_slice::<Value>(&body(response).await).unwrap(), expected);
    }

    #[tokio::test]
    async fn without_a_format_there_is_no_body() {
        let response = Problem::Failed.answer(None, &named("seven"));
        assert!(response.headers().is_empty());
        assert!(body(response).await.is_empty());
    }

    #[test]
    fn what_may_be_tried_again_says_when() {
        for (problem, retries) in [(Problem::Full, true), (Problem::Interrupted, true), (Problem::TimedOut, true), (Problem::Failed, false)]
        {
            assert_eq!(problem.answer(None, &named("seven")).headers().contains_key(header::RETRY_AFTER), retries, "{problem:?}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_replaced() {
        for name in ["", &"x".repeat(129)] {
            assert_eq!(named(name).as_str().len(), 36, "{name:?}");
        }
    }
}
