//! TCP connections for the client, with the timeout that the request asks for and the operator's limit on their number.

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service;

/// What holds for each of the three timeouts when the guest sets none.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

tokio::task_local! {
    /// How long the request that is being sent may wait for its connection. The pooled client has no other way to say it.
    pub(super) static CONNECT_TIMEOUT: Duration;
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ConnectError {
    /// The name has no address.
    UnknownHost,
    /// Nobody answered at any address.
    Refused,
    /// It took too long, the wait for a permit included.
    TimedOut,
}

/// Opens connections.
#[derive(Clone)]
pub(super) struct TcpConnector {
    permits: Option<Arc<Semaphore>>,
}

/// A connection that gives its permit back when it closes, not when the request ends: idle ones count too.
pub(super) struct Permitted {
    stream: TokioIo<TcpStream>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl TcpConnector {
    pub(super) fn new(connections_max: Option<usize>) -> Self {
        Self { permits: connections_max.map(|max| Arc::new(Semaphore::new(max))) }
    }

    async fn connect(self, host: String, port: u16) -> Result<Permitted, ConnectError> {
        let permit = match self.permits {
            Some(permits) => Some(permits.acquire_owned().await.map_err(|_| ConnectError::Refused)?),
            None => None,
        };
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let addresses: Vec<_> = lookup_host((name, port)).await.map_err(|_| ConnectError::UnknownHost)?.collect();
        let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|_| ConnectError::Refused)?;
        stream.set_nodelay(true).map_err(|_| ConnectError::Refused)?;
        Ok(Permitted { stream: TokioIo::new(stream), _permit: permit })
    }
}

impl Service<http::Uri> for TcpConnector {
    type Response = Permitted;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Permitted, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let timeout = CONNECT_TIMEOUT.try_with(|timeout| *timeout).unwrap_or(DEFAULT_TIMEOUT);
        let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let host = uri.host().unwrap_or_default().to_owned();
        let connecting = self.clone().connect(host, uri.port_u16().unwrap_or(default_port));
        Box::pin(async move { tokio::time::timeout(timeout, connecting).await.unwrap_or(Err(ConnectError::TimedOut)) })
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownHost => "the host name has no address",
            Self::Refused => "the connection was refused",
            Self::TimedOut => "connecting took too long",
        })
    }
}

impl std::error::Error for ConnectError {}

impl Connection for Permitted {
    fn connected(&self) -> Connected {
        self.stream.inner().connected()
    }
}

impl Read for Permitted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Permitted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}
