//! How the probe answers: JSON with its length, and a plain 400 when the request itself made no sense.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{BoxBody, FullBody, Request, box_body};
use spin_sdk::wasip3::http::types::ErrorCode;
use std::fmt::Debug;

/// Every answer of the probe, whatever its body is made of.
pub(crate) type Reply = Response<BoxBody>;

/// 200 with a JSON body and its length.
pub(crate) fn json(value: &impl Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(bytes) => whole(StatusCode::OK, "application/json", bytes),
        Err(error) => whole(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", error.to_string()),
    }
}

/// 200 with a short text and its length.
pub(crate) fn text(body: impl Into<Bytes>) -> Reply {
    whole(StatusCode::OK, "text/plain", body)
}

/// A body that is known as a whole, so that `content-length` can be set.
pub(crate) fn whole(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let body = body.into();
    let length = body.len();
    let mut reply = Response::new(box_body(FullBody::new(body)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    reply.headers_mut().insert(http::header::CONTENT_LENGTH, http::HeaderValue::from(length));
    reply
}

/// The request's body as `T`; otherwise the reply that says why it is not one.
pub(crate) async fn parse<T: DeserializeOwned>(request: Request) -> Result<Result<T, Reply>, ErrorCode> {
    let body = request.into_body().bytes().await?;
    Ok(serde_json::from_slice(&body).map_err(|error| misuse(&error.to_string())))
}

/// The case list asked for something that the probe does not understand: a mistake in the list, not a finding about the host.
pub(crate) fn misuse(message: &str) -> Reply {
    whole(StatusCode::BAD_REQUEST, "text/plain", format!("the probe does not understand: {message}"))
}

/// The value of `name` in the query string, parsed. Values are used as they come: the list has no need for escapes.
pub(crate) fn parameter<T: std::str::FromStr>(request: &Request, name: &str) -> Option<T> {
    let pairs = request.uri().query().unwrap_or_default().split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).and_then(|(_, value)| value.parse().ok())
}

/// The bare name of an enum's variant: its `Debug` form without the type's name and without what it carries.
pub(crate) fn variant_name(error: &impl Debug) -> String {
    let shown = format!("{error:?}");
    let name = shown.split(['(', ' ']).next().unwrap_or_default();
    name.rsplit("::").next().unwrap_or(name).to_owned()
}
