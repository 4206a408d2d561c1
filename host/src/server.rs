//! The HTTP side: connections in, routes, and answers out; and the calls between components, which take the same way without a socket.

use crate::allowed_hosts::service_chaining_target;
use crate::handler::Handler;
use crate::manifest::StaticResponse;
use crate::routes::{RouteMatch, Routes, WELL_KNOWN_PREFIX};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi_http::{Error, WasiBody};

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests in flight may take after the host was told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// The address that a component sees when another one calls it.
const CHAINED_CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What a route leads to.
pub(crate) enum Target {
    /// A component, by its id.
    Component(Arc<Handler>),
    /// The same answer always.
    Static(StaticResponse),
}

/// A served application.
pub(crate) struct Application {
    routes: Routes<Target>,
    /// Every component that has a trigger, private ones too.
    handlers: HashMap<String, Arc<Handler>>,
    /// The answer to `/.well-known/spin/info`.
    info: Bytes,
    local_address: OnceLock<SocketAddr>,
    stopping: AtomicBool,
}

impl Application {
    /// Puts routes and components together.
    pub(crate) fn new(routes: Routes<Target>, handlers: HashMap<String, Arc<Handler>>, info: String) -> Arc<Self> {
        let application =
            Arc::new(Self { routes, handlers, info: info.into(), local_address: OnceLock::new(), stopping: AtomicBool::new(false) });
        for handler in application.handlers.values() {
            handler.belongs_to(Arc::downgrade(&application));
        }
        application
    }

    /// The public routes.
    pub(crate) fn routes(&self) -> &Routes<Target> {
        &self.routes
    }

    /// Where the application listens, once it does.
    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        self.local_address.get().copied()
    }

    /// Whether instances are ended because the host ends, which is no failure of theirs.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Serves until `stop` resolves, then lets requests in flight finish.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<()> {
        let address = listener.local_addr()?;
        self.local_address.get_or_init(|| address);
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
        server.http2().timer(TokioTimer::new());
        let connections = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, client)) => Arc::clone(&self).spawn_connection(&server, &connections, stream, client),
                    Err(error) => pause_after(&error).await,
                },
                () = &mut stop => break,
            }
        }
        drop(listener);
        if tokio::time::timeout(DRAIN_TIMEOUT, connections.shutdown()).await.is_err() {
            tracing::warn!("some requests did not finish within {DRAIN_TIMEOUT:?}");
        }
        self.stopping.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn spawn_connection(
        self: Arc<Self>,
        server: &auto::Builder<TokioExecutor>,
        connections: &GracefulShutdown,
        stream: TcpStream,
        client: SocketAddr,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection from {client} was gone at once: {error}");
            return;
        }
        let service = service_fn(move |request| {
            let application = Arc::clone(&self);
            async move { application.answer(request, client).await }
        });
        let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!("a connection from {client} failed: {error}");
            }
        });
    }

    /// Answers a request from outside. An error closes the connection: the request did not say which host it is for.
    async fn answer(&self, mut request: Request<Incoming>, client: SocketAddr) -> Result<Response<WasiBody>> {
        strip_headers(request.headers_mut());
        let uri = request.uri().clone();
        if let Some(name) = uri.path().strip_prefix(WELL_KNOWN_PREFIX) {
            return Ok(self.answer_well_known(name));
        }
        let Some((target, found)) = self.routes.find(uri.path()) else {
            return Ok(empty(StatusCode::NOT_FOUND));
        };
        match target {
            Target::Static(response) => answer_static(response),
            Target::Component(handler) => {
                let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
                run(handler, request, &found, client).await
            }
        }
    }

    /// Whether there is a component of this name with a trigger.
    pub(crate) fn can_call(&self, component: &str) -> bool {
        self.handlers.contains_key(component)
    }

    /// Answers a request from another component: any component with a trigger can be called, whatever its routes.
    pub(crate) async fn call(&self, callee: &str, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        let Some(handler) = self.handlers.get(callee) else {
            return Err(Error::InternalError(Some(format!("no component {callee:?} can be called"))));
        };
        let path = request.uri().path().to_owned();
        let answered = run(handler, request, &RouteMatch::<Target>::chained(&path), CHAINED_CLIENT).await;
        answered.map_err(|error| Error::InternalError(Some(format!("{error:#}"))))
    }

    fn answer_well_known(&self, name: &str) -> Response<WasiBody> {
        match name {
            "health" => Response::new(full(Bytes::from_static(b"OK"))),
            "info" => {
                let mut response = Response::new(full(self.info.clone()));
                let json = header::HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                response
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }
}

async fn run<T>(
    handler: &Handler,
    mut request: Request<WasiBody>,
    found: &RouteMatch<'_, T>,
    client: SocketAddr,
) -> Result<Response<WasiBody>> {
    let uri = absolute_uri(request.uri(), request.headers())?;
    if let Err(error) = found.append_headers(request.headers_mut(), &uri, client) {
        tracing::warn!("a request with headers that are not text was refused: {error:#}");
        return Ok(empty(StatusCode::INTERNAL_SERVER_ERROR));
    }
    *request.uri_mut() = uri;
    Ok(handler.handle(request).await)
}

/// An outsider must not pass for a component, and `Connection` concerns this hop alone.
fn strip_headers(headers: &mut HeaderMap) {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| service_chaining_target(host).is_some()) {
        headers.remove(header::HOST);
    }
    headers.remove(header::CONNECTION);
}

/// The request's URI with the authority that its `Host` header and its own line agree on.
fn absolute_uri(uri: &Uri, headers: &HeaderMap) -> Result<Uri> {
    let host = headers.get(header::HOST);
    let named = host.map(|host| Authority::try_from(host.as_bytes()).context("the Host header is not valid"));
    let mut parts = uri.clone().into_parts();
    let authority = match (named.transpose()?, parts.authority.take()) {
        (Some(named), Some(own)) => {
            ensure!(named == own, "the Host header differs from the request's own authority");
            named
        }
        (Some(authority), None) | (None, Some(authority)) => authority,
        (None, None) => anyhow::bail!("the request has no Host header"),
    };
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    Ok(Uri::from_parts(parts)?)
}

fn answer_static(answer: &StaticResponse) -> Result<Response<WasiBody>> {
    let mut response = Response::builder().status(answer.status_code);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    Ok(response.body(full(answer.body.clone().unwrap_or_default().into()))?)
}

fn empty(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

fn full(bytes: Bytes) -> WasiBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A process that has run out of file descriptors gets some back when connections end; asking at once again would only burn time.
async fn pause_after(error: &std::io::Error) {
    tracing::warn!("a connection could not be accepted: {error}");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(host: Option<&'static str>) -> HeaderMap {
        host.map(|host| (header::HOST, HeaderValue::from_static(host))).into_iter().collect()
    }

    #[test]
    fn the_authority_comes_from_host_or_from_the_request_line() {
        let cases = [
            ("/a?b", Some("example.com:1"), Some("http://example.com:1/a?b")),
            ("http://example.com/a", None, Some("http://example.com/a")),
            ("http://example.com/a", Some("example.com"), Some("http://example.com/a")),
            ("http://example.com/a", Some("other.com"), None),
            ("/a", None, None),
        ];
        for (uri, host, expected) in cases {
            let absolute = absolute_uri(&uri.parse().unwrap(), &headers(host)).ok().map(|uri| uri.to_string());
            assert_eq!(absolute.as_deref(), expected, "{uri} {host:?}");
        }
    }

    #[test]
    fn a_client_cannot_name_an_internal_host() {
        let mut internal = headers(Some("cart.spin.internal:80"));
        strip_headers(&mut internal);
        assert!(internal.is_empty());
        let mut public = headers(Some("example.com"));
        public.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
        strip_headers(&mut public);
        assert_eq!(public, headers(Some("example.com")));
    }
}
