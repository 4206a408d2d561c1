//! `POST outbound`: one HTTP request of the component's own, and everything that came of it.

use crate::reply::{self, Reply};
use bytes::Bytes;
use futures::StreamExt;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{self as spin_http, FullBody, Request};
use spin_sdk::wasip3::http::types::{ErrorCode, RequestOptions};
use spin_sdk::wasip3::http_compat::{self, RequestOptionsExtension};

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

#[derive(Deserialize)]
struct Order {
    url: String,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    connect_timeout_ms: Option<u64>,
    first_byte_timeout_ms: Option<u64>,
    between_bytes_timeout_ms: Option<u64>,
}

fn get() -> String {
    "GET".to_owned()
}

/// `{"status", "headers", "body"}` (`"json"` instead where the body is JSON), or `{"error"}` when no response came, or `{"status", "headers", "body_error"}` when it broke off.
pub(crate) async fn send(request: Request) -> Result<Reply, ErrorCode> {
    let order: Order = match reply::parse(request).await? {
        Ok(order) => order,
        Err(misuse) => return Ok(misuse),
    };
    let outgoing = match build(order) {
        Ok(outgoing) => outgoing,
        Err(error) => return Ok(reply::misuse(&error.to_string())),
    };
    Ok(match spin_http::send(outgoing).await {
        Ok(response) => reply::json(&read(response).await),
        Err(error) => reply::json(&json!({ "error": reply::variant_name(&error) })),
    })
}

fn build(order: Order) -> Result<http::Request<FullBody<Bytes>>, http::Error> {
    let options = RequestOptions::new();
    // A host may refuse a timeout that it cannot keep; the cases see that by waiting longer.
    _ = options.set_connect_timeout(order.connect_timeout_ms.map(nanoseconds));
    _ = options.set_first_byte_timeout(order.first_byte_timeout_ms.map(nanoseconds));
    _ = options.set_between_bytes_timeout(order.between_bytes_timeout_ms.map(nanoseconds));
    let mut outgoing = http::Request::builder().method(Method::from_bytes(order.method.as_bytes())?).uri(order.url);
    for (name, value) in order.headers {
        outgoing = outgoing.header(name, value);
    }
    outgoing.extension(RequestOptionsExtension(options)).body(FullBody::new(Bytes::from(order.body)))
}

async fn read(response: http_compat::Response) -> Value {
    let (parts, body) = response.into_parts();
    let mut headers = serde_json::Map::new();
    for name in parts.headers.keys() {
        let values = parts.headers.get_all(name).iter();
        headers.insert(name.to_string(), values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect());
    }
    let mut pieces = body.stream();
    let mut text = Vec::new();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => text.extend_from_slice(&piece),
            Err(error) => {
                let name = reply::variant_name(&error);
                return json!({ "status": parts.status.as_u16(), "headers": headers, "body_error": name });
            }
        }
    }
    match serde_json::from_slice::<Value>(&text) {
        Ok(json) => json!({ "status": parts.status.as_u16(), "headers": headers, "json": json }),
        Err(_) => json!({ "status": parts.status.as_u16(), "headers": headers, "body": String::from_utf8_lossy(&text) }),
    }
}

fn nanoseconds(milliseconds: u64) -> u64 {
    milliseconds.saturating_mul(NANOSECONDS_PER_MILLISECOND)
}
