//! The floor: hyper alone, answering every request with the same few bytes, as the probe's cheapest route does.

use std::convert::Infallible;

use anyhow::Result;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use hyper::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use crate::peer;

/// What the probe answers on `body/ignore`.
const ANSWER: &[u8] = br#"{"announced":null}"#;

/// Serves until the bench is gone.
pub(crate) async fn serve() -> Result<()> {
    peer::serve_until_alone(accept()).await
}

async fn accept() -> Result<()> {
    let listener = peer::listen().await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let answer = service_fn(async |_: hyper::Request<Incoming>| Ok::<_, Infallible>(answer()));
            // The bench closes its connections between rounds, at whatever point they are.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn answer() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
