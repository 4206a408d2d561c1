//! A provider of embeddings that can be told to misbehave, in the ways that real ones and what stands before them do.
//!
//! When well it answers as the built-in stand-in does, and counts, so that a test can tell that each text was embedded exactly once.

mod misbehave;
mod mode;

pub use mode::Mode;

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use noted_shared::domain::embedding::STAND_IN_MODEL;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The key that the host is given.
const API_KEY: &str = "test";

/// A body that may never end.
type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A running provider; dropping it ends it and its connections.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Its own, so that it answers also while a test waits without letting others run.
    runtime: Option<Runtime>,
}

/// A request as the provider got it.
#[derive(Clone, Debug)]
pub struct Captured {
    /// `POST /v1/embeddings`.
    pub line: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    requests: usize,
    embedded: HashMap<String, usize>,
    last: Option<Captured>,
}

impl Provider {
    /// Starts it on a port of its own, well.
    ///
    /// # Errors
    /// When no port or no thread can be had.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        runtime.spawn(serve(listener, Arc::clone(&state)));
        Ok(Self { address, state, runtime: Some(runtime) })
    }

    /// What `/embeddings` is added to.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What the host has to know.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let base_url = self.base_url();
        [("voyage_base_url", base_url.as_str()), ("voyage_model", STAND_IN_MODEL), ("voyage_api_key", API_KEY)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// From now on requests are answered so.
    pub fn set_mode(&self, mode: Mode) {
        lock(&self.state).mode = mode;
    }

    /// How many requests it got, in any mode.
    #[must_use]
    pub fn requests(&self) -> usize {
        lock(&self.state).requests
    }

    /// How often it gave a good vector for this text.
    #[must_use]
    pub fn times_embedded(&self, text: &str) -> usize {
        lock(&self.state).embedded.get(text).copied().unwrap_or_default()
    }

    /// Every text that it gave a good vector for, and how often.
    #[must_use]
    pub fn embedded(&self) -> HashMap<String, usize> {
        lock(&self.state).embedded.clone()
    }

    /// The last request that it got, in any mode.
    #[must_use]
    pub fn last(&self) -> Option<Captured> {
        lock(&self.state).last.clone()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Without waiting: some of its answers never end.
            runtime.shutdown_background();
        }
    }
}

/// A test that failed while it held the lock has said so already.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| respond(request, Arc::clone(&state)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Answers one request; an error closes the connection without an answer.
async fn respond(request: Request<Incoming>, state: Arc<Mutex<State>>) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let mode = {
        let mut state = lock(&state);
        state.requests += 1;
        let line = format!("{} {}", head.method, head.uri);
        let text = String::from_utf8_lossy(&body).into_owned();
        state.last = Some(Captured { line, headers: head.headers.clone(), body: text });
        state.mode
    };
    let answer = noted::local::embedder::answer(&head.headers, &body);
    if mode.answers_well() && answer.status.is_success() {
        let mut state = lock(&state);
        for text in texts(&body) {
            *state.embedded.entry(text).or_insert(0) += 1;
        }
    }
    misbehave::response(mode, answer).await
}

/// The texts of a request that was understood.
fn texts(body: &[u8]) -> Vec<String> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    match &request["input"] {
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => texts.iter().filter_map(|text| Some(text.as_str()?.to_owned())).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
