//! The client for requests that leave the application, shared by all components so that connections are reused across instances.

use super::connector::{CONNECT_TIMEOUT, ConnectError, DEFAULT_TIMEOUT, TcpConnector};
use super::idle_timeout;
use crate::postgres::client_config;
use crate::runtime_config::OutboundHttp;
use anyhow::Result;
use http::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error as _;
use std::time::Duration;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// Sends requests.
#[derive(Clone)]
pub(crate) struct Client(legacy::Client<HttpsConnector<TcpConnector>, WasiBody>);

impl Client {
    /// A client with the operator's settings.
    pub(crate) fn new(settings: &OutboundHttp) -> Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(client_config()?)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(TcpConnector::new(settings.max_connections));
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new());
        if !settings.connection_pooling {
            builder.pool_max_idle_per_host(0);
        }
        Ok(Self(builder.build(connector)))
    }

    /// Sends one request. Redirects are not followed and nothing is decompressed.
    pub(super) async fn send(&self, request: Request<WasiBody>, options: RequestOptions) -> Result<Response<WasiBody>, Error> {
        let or_default = |timeout: Option<Duration>| timeout.unwrap_or(DEFAULT_TIMEOUT);
        let sending = CONNECT_TIMEOUT.scope(or_default(options.connect_timeout), self.0.request(request));
        let response = timeout(or_default(options.first_byte_timeout), sending)
            .await
            .map_err(|_| Error::ConnectionReadTimeout)?
            .map_err(|error| translate(&error))?;
        Ok(response.map(|body| idle_timeout::watch(body, or_default(options.between_bytes_timeout))))
    }
}

/// The client wraps errors; the one that tells the guest something is somewhere below.
fn translate(error: &legacy::Error) -> Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(connecting) = inner.downcast_ref() {
            return match connecting {
                ConnectError::TimedOut => Error::ConnectionTimeout,
                ConnectError::Refused => Error::ConnectionRefused,
                ConnectError::UnknownHost => Error::DnsError { rcode: Some("address not available".into()), info_code: Some(0) },
            };
        }
        if inner.downcast_ref::<rustls::Error>().is_some() {
            return Error::TlsProtocolError;
        }
        let wrapped = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = wrapped.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| inner.source());
    }
    tracing::debug!("an outbound request failed: {error:?}");
    Error::HttpProtocolError
}
