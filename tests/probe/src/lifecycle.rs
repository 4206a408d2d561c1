//! How long an instance lives, what its requests share, and what happens to the neighbours of one that fails.

use crate::reply::{self, Reply};
use futures::SinkExt;
use http::Response;
use serde_json::json;
use spin_sdk::http::{Request, body, box_body};
use spin_sdk::key_value::Store;
use spin_sdk::wasip3::http::types::ErrorCode;
use std::cell::Cell;
use std::time::{Duration, Instant};
use uuid::Uuid;

thread_local! {
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
    static INSTANCE: Uuid = Uuid::new_v4();
}

/// Called once for each request, so that `state` can tell how many this instance has seen.
pub(crate) fn count_request() {
    REQUESTS.set(REQUESTS.get() + 1);
}

/// `{"instance": id, "requests": n}`: the id is drawn once in an instance's life.
pub(crate) fn state() -> Reply {
    reply::json(&json!({ "instance": INSTANCE.with(Uuid::to_string), "requests": REQUESTS.get() }))
}

/// Waits `ms` without blocking the instance, then answers as `state` does.
pub(crate) async fn sleep(request: &Request) -> Result<Reply, ErrorCode> {
    spin_sdk::time::sleep(milliseconds(request, "ms")).await;
    Ok(state())
}

/// Computes for `ms` without ever giving the instance's other requests a turn.
pub(crate) fn busy(request: &Request) -> Result<Reply, ErrorCode> {
    let until = Instant::now() + milliseconds(request, "ms");
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    Ok(state())
}

/// Panics after `ms`, which on this target ends the whole instance.
#[expect(clippy::panic, reason = "the panic is what the endpoint is for")]
pub(crate) async fn panic_after(request: &Request) -> Result<Reply, ErrorCode> {
    spin_sdk::time::sleep(milliseconds(request, "ms")).await;
    panic!("asked to panic");
}

/// Ends the request with an error instead of a response.
pub(crate) fn fail() -> Result<Reply, ErrorCode> {
    Err(ErrorCode::InternalError(Some("asked to fail".to_owned())))
}

/// Answers at once, and stores `key` in the default store `ms` later: work that outlives its response.
pub(crate) fn after(request: &Request) -> Result<Reply, ErrorCode> {
    let delay = milliseconds(request, "ms");
    let key: String = reply::parameter(request, "key").unwrap_or_default();
    spin_sdk::wasip3::spawn(async move {
        spin_sdk::time::sleep(delay).await;
        if let Ok(store) = Store::open_default().await {
            // Nobody is left to hear of an error: the case that asks for the key will not find it.
            _ = store.set(key, b"done").await;
        }
    });
    Ok(reply::text("answered"))
}

/// Sends the beginning of a body, then panics `ms` later, before the body's end.
#[expect(clippy::panic, reason = "the panic is what the endpoint is for")]
pub(crate) fn break_body(request: &Request) -> Result<Reply, ErrorCode> {
    let delay = milliseconds(request, "ms");
    let (mut sender, stream) = body::stream::<&'static str>();
    spin_sdk::wasip3::spawn(async move {
        _ = sender.send("the beginning").await;
        spin_sdk::time::sleep(delay).await;
        panic!("asked to panic in the middle of a body");
    });
    Ok(crate::body::announced(request, Response::new(box_body(stream))))
}

fn milliseconds(request: &Request, name: &str) -> Duration {
    Duration::from_millis(reply::parameter(request, name).unwrap_or(0))
}
