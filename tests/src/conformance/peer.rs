//! The server on the other side of the probe's own requests. It can redirect, dawdle, stall in the middle, and hang up.

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Runs until it is dropped.
pub(super) struct Peer {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Peer {
    /// Listens on a free port of the loopback interface.
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    // A client that hangs up is as good as one that does not.
                    _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(answer)).await;
                });
            }
        });
        Ok(Self { address, accepting })
    }

    /// `127.0.0.1:port`.
    pub(super) fn authority(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An error closes the connection without a response, which is what `/hang-up` is for.
async fn answer(request: Request<Incoming>) -> anyhow::Result<Response<Body>> {
    let pause = Duration::from_millis(request.uri().query().and_then(|query| query.strip_prefix("ms=")?.parse().ok()).unwrap_or(0));
    let (status, body) = match request.uri().path() {
        "/redirect" => {
            let redirect = Response::builder().status(StatusCode::FOUND).header(header::LOCATION, "/echo");
            return Ok(redirect.body(whole("moved"))?);
        }
        "/teapot" => (StatusCode::IM_A_TEAPOT, whole("short and stout")),
        "/late" => {
            tokio::time::sleep(pause).await;
            (StatusCode::OK, whole("late"))
        }
        "/stall" => (StatusCode::OK, streamed(stalling(pause))),
        "/hang-up" => anyhow::bail!("asked to hang up"),
        _ => (StatusCode::OK, echo(request).await?),
    };
    Ok(Response::builder().status(status).body(body)?)
}

async fn echo(request: Request<Incoming>) -> anyhow::Result<Body> {
    let (parts, body) = request.into_parts();
    let text = body.collect().await?.to_bytes();
    let header = |name: &header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(Value::from);
    let headers: Map<String, Value> = parts.headers.keys().filter_map(|name| Some((name.to_string(), header(name)?))).collect();
    let seen = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&text),
    });
    Ok(whole(&seen.to_string()))
}

fn stalling(pause: Duration) -> impl Stream<Item = Bytes> {
    stream::iter(["first ", "second"]).then(move |piece| async move {
        if piece == "second" {
            tokio::time::sleep(pause).await;
        }
        Bytes::from(piece)
    })
}

fn streamed(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Body {
    StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece)))).boxed_unsync()
}

fn whole(text: &str) -> Body {
    http_body_util::Full::new(Bytes::from(text.to_owned())).boxed_unsync()
}
