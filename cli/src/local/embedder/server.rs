//! The stand-in as a server on a loopback port of its own.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::answer::{Answer, answer};

/// Bytes of a request at most: many times what Noted sends at once.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running stand-in; dropping it ends it.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    door: JoinHandle<()>,
}

impl StandIn {
    /// Starts it; it serves as soon as this returns.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, door: tokio::spawn(serve(listener)) })
    }

    /// What `/embeddings` is added to.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.door.abort();
    }
}

/// Accepts until it is aborted, and then ends its connections too.
async fn serve(listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // One connection did not come about, or this process has too many files open: the latter lasts a while.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(respond)));
        while connections.try_join_next().is_some() {}
    }
}

async fn respond(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let Answer { status, body } = route(request).await;
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn route(request: Request<Incoming>) -> Answer {
    if request.uri().path() != "/v1/embeddings" {
        return Answer::refusal(StatusCode::NOT_FOUND, "Not Found");
    }
    if request.method() != Method::POST {
        return Answer::refusal(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    }
    let (head, body) = request.into_parts();
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => answer(&head.headers, &body.to_bytes()),
        Err(_) => Answer::refusal(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large, or ended too early."),
    }
}
