//! Where a guest's request goes: denied, to another component, to the application's own address, or out.

use crate::allowed_hosts::service_chaining_target;
use crate::component::Component;
use crate::server::Application;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri, header};
use std::sync::{Arc, Weak};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// The host name by which a component calls its own application's public routes.
const SELF_HOST: &str = "self.alt";

/// What decides about the requests of one instance.
pub(crate) struct Hooks {
    component: Arc<Component>,
    /// Weak, because the application holds the instances.
    application: Weak<Application>,
}

type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl Hooks {
    pub(crate) fn new(component: Arc<Component>, application: Weak<Application>) -> Self {
        Self { component, application }
    }

    pub(crate) fn can_call(&self, component: &str) -> bool {
        self.application.upgrade().is_some_and(|application| application.can_call(component))
    }
}

impl WasiHttpHooks for Hooks {
    /// Left to the client, which knows what it sends.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let component = Arc::clone(&self.component);
        let application = self.application.upgrade();
        Box::new(async move {
            let application = application.ok_or(Error::ConnectionTerminated)?;
            let response = send(&component, &application, request, options.unwrap_or_default()).await?;
            Ok((response, Box::new(async { Ok(()) }) as Box<_>))
        })
    }
}

async fn send(
    component: &Component,
    application: &Arc<Application>,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    let host = request.uri().host().unwrap_or_default().to_owned();
    if host.is_empty() || host == SELF_HOST {
        if !component.allowed_hosts.allows_self() {
            return Err(Error::HttpRequestDenied);
        }
        let address = application.local_address().ok_or(Error::HttpRequestUriInvalid)?;
        *request.uri_mut() = with_origin(request.uri(), &address.to_string())?;
    } else if !component.allowed_hosts.allows(&request.uri().to_string(), "https") {
        return Err(Error::HttpRequestDenied);
    }
    request.headers_mut().remove(header::HOST);
    match service_chaining_target(&host) {
        Some(callee) => application.call(callee, request).await,
        None => component.http.send(request, options).await,
    }
}

fn with_origin(uri: &Uri, authority: &str) -> Result<Uri, Error> {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.parse::<Authority>().map_err(|_| Error::HttpRequestUriInvalid)?);
    Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)
}
