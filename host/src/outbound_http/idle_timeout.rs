//! A response body that fails when its sender is silent for too long.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

struct IdleTimeout {
    /// Dropped when time is up, so that the connection closes at once.
    body: Option<Incoming>,
    timeout: Duration,
    /// Runs only while the guest waits for more.
    waiting: Option<Pin<Box<Sleep>>>,
}

/// Watches a body: `timeout` is the longest wait for its next piece.
pub(super) fn watch(body: Incoming, timeout: Duration) -> WasiBody {
    let watched = IdleTimeout { body: Some(body), timeout, waiting: None };
    watched.boxed_unsync()
}

impl Body for IdleTimeout {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let timeout = self.timeout;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(waiting.as_mut().poll(cx));
        self.body = None;
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}
