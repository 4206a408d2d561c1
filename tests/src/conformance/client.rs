//! Sends exactly what a case describes and records everything that comes back, one connection for each request.

use super::case::{Chunked, Send};
use anyhow::Context as _;
use bytes::Bytes;
use futures::{SinkExt, Stream, StreamExt, channel::mpsc, stream};
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use url::Url;

/// No case needs nearly as long; a host that hangs must not hang the run.
const PATIENCE: Duration = Duration::from_secs(60);

/// A prime, so that a lost or doubled piece breaks the pattern; the probe uses the same.
const PERIOD: usize = 251;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The server under test.
pub(super) struct Server {
    authority: String,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The body ended with an error instead of its end.
    pub(super) broken: bool,
    pub(super) first_byte: Duration,
    pub(super) total: Duration,
}

impl Server {
    /// The server at `url`, of which only host and port count.
    pub(super) fn new(url: &Url) -> anyhow::Result<Self> {
        let host = url.host_str().context("the URL has no host")?;
        let port = url.port_or_known_default().context("the URL has no port")?;
        Ok(Self { authority: format!("{host}:{port}") })
    }

    /// `host:port`.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends one request and reads the answer to its end, or as far as the case wants to.
    pub(super) async fn exchange(&self, send: &Send) -> anyhow::Result<Answer> {
        tokio::time::timeout(PATIENCE, self.exchange_patiently(send)).await.context("nothing within a minute")?
    }

    async fn exchange_patiently(&self, send: &Send) -> anyhow::Result<Answer> {
        let started = Instant::now();
        let socket = TcpStream::connect(&self.authority).await.context("cannot connect")?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
        let connection = tokio::spawn(connection);
        let (pieces, feed) = mpsc::channel(0);
        let response = sender.send_request(self.request(send, feed)?).await.context("the connection broke before the response")?;
        let (parts, body) = response.into_parts();
        let mut reading = Reading { started, body, answer: Answer::new(parts.status.as_u16(), parts.headers) };
        match &send.duplex {
            Some(said) => reading.converse(said, pieces).await?,
            None => drop(pieces),
        }
        reading.finish(send).await;
        // Hanging up is part of some cases: the socket closes with the task that drives it.
        connection.abort();
        reading.answer.total = started.elapsed();
        Ok(reading.answer)
    }

    fn request(&self, send: &Send, feed: mpsc::Receiver<Bytes>) -> anyhow::Result<Request<Body>> {
        let has_body =
            send.json.is_some() || send.text.is_some() || send.pattern.is_some() || send.chunked.is_some() || send.duplex.is_some();
        let method = match &send.method {
            Some(method) => Method::from_bytes(method.as_bytes())?,
            None if has_body => Method::POST,
            None => Method::GET,
        };
        let mut request = Request::builder().method(method).uri(&send.path);
        if !send.headers.iter().any(|(name, _)| name == header::HOST.as_str()) {
            request = request.header(header::HOST, &self.authority);
        }
        for (name, value) in &send.headers {
            let bytes = value.chars().map(u8::try_from).collect::<Result<Vec<_>, _>>()?;
            request = request.header(name, HeaderValue::from_bytes(&bytes)?);
        }
        if send.long_header > 0 {
            request = request.header("x-long", "x".repeat(send.long_header));
        }
        Ok(request.body(upload(send, feed))?)
    }
}

fn upload(send: &Send, feed: mpsc::Receiver<Bytes>) -> Body {
    if let Some(Chunked { bytes, piece, pause_ms }) = send.chunked {
        return streamed(pieces(bytes, piece, Duration::from_millis(pause_ms)));
    }
    if send.duplex.is_some() {
        return streamed(feed);
    }
    let whole = match (&send.json, &send.text, send.pattern) {
        (Some(json), _, _) => Bytes::from(json.to_string()),
        (_, Some(text), _) => Bytes::from(text.clone()),
        (_, _, Some(bytes)) => pattern(0, bytes),
        _ => Bytes::new(),
    };
    Full::new(whole).boxed_unsync()
}

fn streamed(pieces: impl Stream<Item = Bytes> + std::marker::Send + 'static) -> Body {
    StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece)))).boxed_unsync()
}

fn pieces(bytes: usize, piece: usize, pause: Duration) -> impl Stream<Item = Bytes> {
    stream::iter((0..bytes).step_by(piece.max(1))).then(move |start| async move {
        tokio::time::sleep(pause).await;
        pattern(start, bytes.min(start + piece))
    })
}

/// The pattern's bytes from `start` to before `end`: at `i` stands `i % 251`.
pub(super) fn pattern(start: usize, end: usize) -> Bytes {
    (start..end).map(|at| u8::try_from(at % PERIOD).unwrap_or_default()).collect()
}

/// An answer that is still coming in.
struct Reading {
    started: Instant,
    body: Incoming,
    answer: Answer,
}

impl Reading {
    /// Says each piece, and waits until as many bytes came back before saying the next.
    async fn converse(&mut self, said: &[String], mut pieces: mpsc::Sender<Bytes>) -> anyhow::Result<()> {
        let mut sent = 0;
        for piece in said {
            pieces.send(Bytes::from(piece.clone())).await.context("the server stopped reading")?;
            sent += piece.len();
            while self.answer.body.len() < sent {
                anyhow::ensure!(self.piece().await, "the answer ended before the request did");
            }
        }
        Ok(())
    }

    async fn finish(&mut self, send: &Send) {
        let pause = Duration::from_millis(send.read_pause_ms);
        while send.hang_up_after.is_none_or(|enough| self.answer.body.len() < enough) && self.piece().await {
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads one more piece; `false` at the end.
    async fn piece(&mut self) -> bool {
        match self.body.frame().await {
            None => false,
            Some(Err(_)) => {
                self.answer.broken = true;
                false
            }
            Some(Ok(frame)) => {
                if self.answer.body.is_empty() {
                    self.answer.first_byte = self.started.elapsed();
                }
                self.answer.body.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
                true
            }
        }
    }
}

impl Answer {
    fn new(status: u16, headers: HeaderMap) -> Self {
        Self { status, headers, body: Vec::new(), broken: false, first_byte: Duration::MAX, total: Duration::MAX }
    }
}
