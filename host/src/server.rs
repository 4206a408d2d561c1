//! Who answers a request: a route's component, the same answer always, or the host itself; and the calls between components, which take
//! the same way without a socket.

use crate::allowed_hosts::service_chaining_target;
use crate::handler::Handler;
use crate::manifest::StaticResponse;
use crate::problem::{Problem, ProblemFormat, RequestId};
use crate::routes::{RouteMatch, Routes, WELL_KNOWN_PREFIX};
use anyhow::Result;
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use wasmtime_wasi_http::{Error, WasiBody};

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
    problems: Option<ProblemFormat>,
    local_address: OnceLock<SocketAddr>,
    stopping: AtomicBool,
}

impl Application {
    /// Puts routes and components together.
    pub(crate) fn new(
        routes: Routes<Target>,
        handlers: HashMap<String, Arc<Handler>>,
        info: String,
        problems: Option<ProblemFormat>,
    ) -> Arc<Self> {
        let (local_address, stopping) = (OnceLock::new(), AtomicBool::new(false));
        let application = Arc::new(Self { routes, handlers, info: info.into(), problems, local_address, stopping });
        for handler in application.handlers.values() {
            handler.belongs_to(Arc::downgrade(&application));
        }
        application
    }

    /// The public routes.
    pub(crate) fn routes(&self) -> &Routes<Target> {
        &self.routes
    }

    /// From now on the application can be reached here.
    pub(crate) fn listens_at(&self, address: SocketAddr) {
        self.local_address.get_or_init(|| address);
    }

    /// Where the application listens, once it does.
    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        self.local_address.get().copied()
    }

    /// From now on instances are ended because the host ends.
    pub(crate) fn stops(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether instances are ended because the host ends, which is no failure of theirs.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Answers a request from outside.
    pub(crate) async fn answer(&self, request: Request<Incoming>, client: SocketAddr) -> Response<WasiBody> {
        let request_id = RequestId::of(request.headers());
        let answered = self.try_answer(request, client).await;
        answered.unwrap_or_else(|problem| problem.answer(self.problems.as_ref(), &request_id))
    }

    async fn try_answer(&self, mut request: Request<Incoming>, client: SocketAddr) -> Result<Response<WasiBody>, Problem> {
        check_head(request.headers())?;
        strip_headers(request.headers_mut());
        let uri = request.uri().clone();
        if let Some(name) = uri.path().strip_prefix(WELL_KNOWN_PREFIX) {
            return self.answer_well_known(name);
        }
        let (target, found) = self.routes.find(uri.path()).ok_or(Problem::NoRoute)?;
        match target {
            Target::Static(response) => answer_static(response),
            Target::Component(handler) => {
                let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
                run(handler, request, &found, client).await
            }
        }
    }

    /// Answers a request for which there is no room.
    pub(crate) fn refuse(&self, request: &Request<Incoming>) -> Response<WasiBody> {
        Problem::Full.answer(self.problems.as_ref(), &RequestId::of(request.headers()))
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
        let (path, request_id) = (request.uri().path().to_owned(), RequestId::of(request.headers()));
        let answered = run(handler, request, &RouteMatch::<Target>::chained(&path), CHAINED_CLIENT).await;
        Ok(answered.unwrap_or_else(|problem| problem.answer(self.problems.as_ref(), &request_id)))
    }

    fn answer_well_known(&self, name: &str) -> Result<Response<WasiBody>, Problem> {
        match name {
            "health" => Ok(Response::new(full(Bytes::from_static(b"OK")))),
            "info" => {
                let mut response = Response::new(full(self.info.clone()));
                let json = header::HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                Ok(response)
            }
            _ => Err(Problem::NoRoute),
        }
    }
}

async fn run<T>(
    handler: &Handler,
    mut request: Request<WasiBody>,
    found: &RouteMatch<'_, T>,
    client: SocketAddr,
) -> Result<Response<WasiBody>, Problem> {
    let uri = absolute_uri(request.uri(), request.headers())?;
    found.append_headers(request.headers_mut(), &uri, client).map_err(|_| Problem::BadHead("The path or a header is not text"))?;
    *request.uri_mut() = uri;
    handler.handle(request).await
}

/// What no component could make sense of, and what two servers in a row could read differently.
fn check_head(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get_all(header::HOST).iter().count() > 1 {
        return Err(Problem::BadHead("The request names its host twice"));
    }
    if headers.values().any(|value| std::str::from_utf8(value.as_bytes()).is_err()) {
        return Err(Problem::BadHead("A header is not UTF-8"));
    }
    Ok(())
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
fn absolute_uri(uri: &Uri, headers: &HeaderMap) -> Result<Uri, Problem> {
    let host = headers.get(header::HOST);
    let named = host.map(|host| Authority::try_from(host.as_bytes()).map_err(|_| Problem::BadHead("The Host header is not valid")));
    let mut parts = uri.clone().into_parts();
    let authority = match (named.transpose()?, parts.authority.take()) {
        (Some(named), Some(own)) if named != own => {
            return Err(Problem::BadHead("The Host header differs from the request's own address"));
        }
        (Some(authority), _) | (None, Some(authority)) => authority,
        (None, None) => return Err(Problem::BadHead("The request does not say which host it is for")),
    };
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    Uri::from_parts(parts).map_err(|_| Problem::BadHead("The request's address is not valid"))
}

/// The manifest was read when the host started; what it cannot answer with is the application's fault.
fn answer_static(answer: &StaticResponse) -> Result<Response<WasiBody>, Problem> {
    let mut response = Response::builder().status(answer.status_code);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(full(answer.body.clone().unwrap_or_default().into())).map_err(|error| {
        tracing::error!("a static response of the manifest cannot be sent: {error}");
        Problem::Failed
    })
}

fn full(bytes: Bytes) -> WasiBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
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
    fn a_head_names_one_host_and_is_text() {
        let checked = |fields: &[(header::HeaderName, &[u8])]| {
            let headers = fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_bytes(value).unwrap())).collect();
            check_head(&headers).is_ok()
        };
        assert!(checked(&[(header::HOST, b"a"), (header::ACCEPT, "\u{fc}".as_bytes())]));
        assert!(!checked(&[(header::HOST, b"a"), (header::HOST, b"b")]));
        assert!(!checked(&[(header::HOST, b"a"), (header::ACCEPT, b"\xfc")]));
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
