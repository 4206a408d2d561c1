//! Accepts connections and serves HTTP on them.
//!
//! Whatever a client leaves undone has a time limit: a first byte, the preface of HTTP/2, a head, the next request, and the reading of an
//! answer. The sending of a body is the component's to limit, which knows what it expects.

use crate::connections::{ConnectionLimits, Connections, Place, UnderWay};
use crate::server::Application;
use anyhow::Result;
use bytes::Bytes;
use http::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use wasmtime_wasi_http::{Error, WasiBody};

/// How long a client may leave an answer unread before its connection is closed.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a client of HTTP/2 is asked whether it is there, and how long it may take to say so.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests in flight may take after the host was told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection that is refused may take to say what it wanted and to read that there is no room.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections that are being refused in words at once; beyond these they are closed.
const REFUSALS_MAX: usize = 64;

/// Connections that wait to be accepted. The usual 128 are fewer than come at once while the host computes, and who finds them taken tries
/// again after a second, two and four.
const BACKLOG: u32 = 4096;

struct Listener {
    application: Arc<Application>,
    server: auto::Builder<TokioExecutor>,
    connections: Arc<Connections>,
    refusals: Arc<Semaphore>,
    graceful: GracefulShutdown,
}

/// Listens at an address.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A host that is started again finds its port, though connections of the one before still end.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` resolves, then lets requests in flight finish.
pub(crate) async fn serve(
    application: Arc<Application>,
    listener: TcpListener,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    application.listens_at(listener.local_addr()?);
    let served = Listener::new(application, limits);
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => served.accept(stream, client),
                Err(error) => served.recover(&error).await,
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIMEOUT, served.graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish within {DRAIN_TIMEOUT:?}");
    }
    served.application.stops();
    Ok(())
}

impl Listener {
    fn new(application: Arc<Application>, limits: ConnectionLimits) -> Self {
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http1().timer(TokioTimer::new()).header_read_timeout(limits.silence);
        server.http2().timer(TokioTimer::new()).keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_TIMEOUT);
        Self {
            application,
            server,
            connections: Connections::new(limits),
            refusals: Arc::new(Semaphore::new(REFUSALS_MAX)),
            graceful: GracefulShutdown::new(),
        }
    }

    fn accept(&self, stream: TcpStream, client: SocketAddr) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection from {client} was gone at once: {error}");
            return;
        }
        match self.connections.admit(client.ip()) {
            Some(place) => self.serve_connection(stream, client, place),
            None => self.refuse(stream),
        }
    }

    fn serve_connection(&self, stream: TcpStream, client: SocketAddr, place: Place) {
        let application = Arc::clone(&self.application);
        let activity = Arc::clone(place.activity());
        let service = service_fn(move |request| {
            let application = Arc::clone(&application);
            let under_way = activity.begin();
            async move {
                let response = application.answer(request, client).await;
                Ok::<_, Infallible>(response.map(|body| Sent { body, _under_way: under_way }))
            }
        });
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(READ_TIMEOUT));
        let connection = self.server.serve_connection(TokioIo::new(Box::pin(stream)), service).into_owned();
        let watched = self.graceful.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                served = watched => if let Err(error) = served {
                    tracing::debug!("a connection from {client} failed: {error}");
                },
                () = place.activity().must_end() => {}
            }
        });
    }

    /// Says that there is no room, to whoever asks at once.
    fn refuse(&self, stream: TcpStream) {
        let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() else {
            return;
        };
        let application = Arc::clone(&self.application);
        let refusal = service_fn(move |request: Request<Incoming>| {
            let refused = application.refuse(&request);
            async move { Ok::<_, Infallible>(refused) }
        });
        let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), refusal);
        tokio::spawn(async move {
            // Whether the refusal was read is the client's business.
            let _ = tokio::time::timeout(REFUSAL_TIMEOUT, connection).await;
            drop(permit);
        });
    }

    /// A process that has run out of file descriptors gets one back from a silent connection; asking at once again would only burn time.
    async fn recover(&self, error: &std::io::Error) {
        tracing::warn!("a connection could not be accepted: {error}");
        self.connections.evict_one();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A body that is being sent: its request is under way until it ends.
struct Sent {
    body: WasiBody,
    _under_way: UnderWay,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
