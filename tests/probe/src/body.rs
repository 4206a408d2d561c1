//! Bodies in and out: whole, in pieces, unread, generated, and responses built to order.
//!
//! Long bodies follow a pattern (the byte at `i` is `i % 251`), so that both ends can check them without holding them twice.

use crate::reply::{self, Reply};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use spin_sdk::http::body::{self, IncomingBodyExt};
use spin_sdk::http::{FullBody, Request, box_body};
use spin_sdk::wasip3::http::types::ErrorCode;
use std::time::Duration;

/// A prime, so that a lost or doubled piece of any usual size breaks the pattern.
const PERIOD: usize = 251;

/// Reads the whole body, then sends it back with its length.
pub(crate) async fn echo(request: Request) -> Result<Reply, ErrorCode> {
    let body = request.into_body().bytes().await?;
    Ok(reply::whole(StatusCode::OK, "application/octet-stream", body))
}

/// Sends each piece of the body back as it arrives, without knowing the length.
pub(crate) fn stream_back(request: Request) -> Reply {
    let (mut sender, outgoing) = body::stream::<Bytes>();
    spin_sdk::wasip3::spawn(async move {
        let mut incoming = request.into_body().stream();
        while let Some(Ok(piece)) = incoming.next().await {
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    Response::new(box_body(outgoing))
}

/// `{"bytes": n, "pattern": true, "pieces": more than one}` of the request's body, read piece by piece.
pub(crate) async fn measure(request: Request) -> Result<Reply, ErrorCode> {
    let mut incoming = request.into_body().stream();
    let (mut bytes, mut pattern, mut pieces) = (0, true, 0);
    while let Some(piece) = incoming.next().await {
        let piece = piece?;
        pattern &= piece.iter().enumerate().all(|(at, byte)| usize::from(*byte) == (bytes + at) % PERIOD);
        bytes += piece.len();
        pieces += 1;
    }
    Ok(reply::json(&json!({ "bytes": bytes, "pattern": pattern, "pieces": if pieces > 1 { "many" } else { "few" } })))
}

/// Answers without looking at the body.
pub(crate) fn ignore(request: &Request) -> Reply {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    reply::json(&json!({ "announced": announced }))
}

/// Reads the first piece of the body, then answers and reads no more.
pub(crate) async fn begin(request: Request) -> Reply {
    let mut incoming = request.into_body().stream();
    let began = matches!(incoming.next().await, Some(Ok(_)));
    reply::json(&json!({ "began": began }))
}

/// Streams `bytes` of the pattern in pieces of `piece`, resting `ms` between them.
pub(crate) fn generate(request: &Request) -> Result<Reply, ErrorCode> {
    let bytes: usize = reply::parameter(request, "bytes").unwrap_or(0);
    let piece: usize = reply::parameter(request, "piece").filter(|piece| *piece > 0).unwrap_or(64 * 1024);
    let pause = reply::parameter(request, "ms").map(Duration::from_millis);
    let (mut sender, outgoing) = body::stream::<Vec<u8>>();
    spin_sdk::wasip3::spawn(async move {
        for start in (0..bytes).step_by(piece) {
            let end = bytes.min(start + piece);
            let filled = (start..end).map(|at| u8::try_from(at % PERIOD).unwrap_or_default()).collect();
            if sender.send(filled).await.is_err() {
                return;
            }
            if let Some(pause) = pause {
                spin_sdk::time::sleep(pause).await;
            }
        }
    });
    Ok(announced(request, Response::new(box_body(outgoing))))
}

/// The reply with the `content-length` that the request's parameter `announce` asks for, true or not.
pub(crate) fn announced(request: &Request, mut reply: Reply) -> Reply {
    if let Some(length) = reply::parameter::<u64>(request, "announce") {
        reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    reply
}

/// A response built to order.
#[derive(Deserialize)]
struct Order {
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    /// Adds a header `x-long` of that many bytes.
    #[serde(default)]
    long_header_bytes: usize,
}

fn ok() -> u16 {
    200
}

/// Answers with exactly the status, headers and body that the request describes; nothing is added.
pub(crate) async fn answer(request: Request) -> Result<Reply, ErrorCode> {
    let order: Order = match reply::parse(request).await? {
        Ok(order) => order,
        Err(misuse) => return Ok(misuse),
    };
    Ok(build(order).unwrap_or_else(|error| reply::misuse(&error.to_string())))
}

fn build(order: Order) -> Result<Reply, http::Error> {
    let mut reply = Response::new(box_body(FullBody::new(Bytes::from(order.body))));
    *reply.status_mut() = StatusCode::from_u16(order.status)?;
    for (name, value) in &order.headers {
        reply.headers_mut().append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    if order.long_header_bytes > 0 {
        reply.headers_mut().append("x-long", HeaderValue::try_from("x".repeat(order.long_header_bytes))?);
    }
    Ok(reply)
}
