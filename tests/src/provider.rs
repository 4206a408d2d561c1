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
use http::request::Parts;
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

#[derive(Debug)]
struct State {
    mode: Mode,
    models: Vec<String>,
    requests: usize,
    sent: HashMap<String, usize>,
    /// By model and text.
    embedded: HashMap<(String, String), usize>,
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
        let state = Arc::new(Mutex::new(State::new()));
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
        self.variables_for(STAND_IN_MODEL)
    }

    /// What the host has to know to have new vectors made with this model.
    #[must_use]
    pub fn variables_for(&self, model: &str) -> Vec<(String, String)> {
        let base_url = self.base_url();
        [("voyage_base_url", base_url.as_str()), ("voyage_model", model), ("voyage_api_key", API_KEY)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// From now on requests are answered so.
    pub fn set_mode(&self, mode: Mode) {
        lock(&self.state).mode = mode;
    }

    /// From now on it has these models and no others. Their vectors have nothing to do with one another.
    pub fn set_models(&self, models: &[&str]) {
        lock(&self.state).models = models.iter().map(|&model| model.to_owned()).collect();
    }

    /// How many requests it got, in any mode.
    #[must_use]
    pub fn requests(&self) -> usize {
        lock(&self.state).requests
    }

    /// How often it gave a good vector for this text.
    #[must_use]
    pub fn times_embedded(&self, text: &str) -> usize {
        self.embedded().get(text).copied().unwrap_or_default()
    }

    /// Every text that it gave a good vector for, and how often.
    #[must_use]
    pub fn embedded(&self) -> HashMap<String, usize> {
        let mut texts = HashMap::new();
        for ((_, text), times) in &lock(&self.state).embedded {
            *texts.entry(text.clone()).or_insert(0) += times;
        }
        texts
    }

    /// Every text that it gave a good vector of this model for, and how often.
    #[must_use]
    pub fn embedded_with(&self, model: &str) -> HashMap<String, usize> {
        let state = lock(&self.state);
        let of_model = state.embedded.iter().filter(|((used, _), _)| used == model);
        of_model.map(|((_, text), times)| (text.clone(), *times)).collect()
    }

    /// Every text that it was sent, whatever it answered, and how often.
    #[must_use]
    pub fn sent(&self) -> HashMap<String, usize> {
        lock(&self.state).sent.clone()
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

impl State {
    fn new() -> Self {
        let models = vec![STAND_IN_MODEL.to_owned()];
        Self { mode: Mode::default(), models, requests: 0, sent: HashMap::new(), embedded: HashMap::new(), last: None }
    }

    /// Notes a request down, and answers how it is to be answered.
    fn take(&mut self, head: &Parts, body: &[u8], texts: &[String]) -> Mode {
        self.requests += 1;
        let line = format!("{} {}", head.method, head.uri);
        let body = String::from_utf8_lossy(body).into_owned();
        self.last = Some(Captured { line, headers: head.headers.clone(), body });
        for text in texts {
            *self.sent.entry(text.clone()).or_insert(0) += 1;
        }
        match self.mode {
            Mode::EverySecond if self.requests.is_multiple_of(2) => Mode::ServerError,
            Mode::EverySecond => Mode::Well,
            mode => mode,
        }
    }
}

/// Answers one request; an error closes the connection without an answer.
async fn respond(request: Request<Incoming>, state: Arc<Mutex<State>>) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let mut asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (model, texts) = (asked["model"].as_str().unwrap_or_default().to_owned(), texts(&asked));
    let mode = lock(&state).take(&head, &body, &texts);
    let place = lock(&state).models.iter().position(|known| *known == model);
    if asked.is_object() {
        // The stand-in has one model. Its vectors, turned, are another's.
        asked["model"] = place.map_or_else(|| format!("{model}, given up"), |_| STAND_IN_MODEL.to_owned()).into();
    }
    let answer = noted::local::embedder::answer(&head.headers, asked.to_string().as_bytes());
    let answer = misbehave::turned(answer, place.unwrap_or_default());
    if mode.answers_well() && answer.status.is_success() {
        let mut state = lock(&state);
        for text in texts {
            *state.embedded.entry((model.clone(), text)).or_insert(0) += 1;
        }
    }
    misbehave::response(mode, answer).await
}

/// The texts of a request that was understood.
fn texts(request: &Value) -> Vec<String> {
    match &request["input"] {
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => texts.iter().filter_map(|text| Some(text.as_str()?.to_owned())).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
