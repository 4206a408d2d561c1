//! From a request to one statement, and from its row to an answer: the only code that knows Spin.
//!
//! A component hands its route and its handler to [`serve`]. What every route does alike happens here, once: method, version, key,
//! refusals, envelope, headers, log line. The handler only parses, asks and maps.

mod accept;
mod body;
mod call;
mod cors;
pub mod db;
mod headers;
mod held;
mod listing;
mod log;
mod packing;
pub mod params;
mod reply;
mod settings;
pub mod voyage;

pub use call::Call;
pub use db::{Outcome, Row, Statement};
pub use headers::IfMatch;
pub use listing::note_list;
pub use reply::{Reply, Response, note_tag};

use crate::domain::Scope;
use crate::error::Error;
use std::pin::Pin;

/// The request as the SDK's macro hands it over.
pub type Request = spin_sdk::http::Request;

/// What a component answers to.
#[derive(Debug)]
pub struct Route {
    /// The name used for the SQL function, metrics and log lines.
    pub operation: &'static str,
    /// The one method of the route; none where every method is answered alike.
    pub method: Option<&'static str>,
    /// The scopes a key needs; none where no key is asked for.
    pub scopes: &'static [Scope],
}

impl Route {
    /// One of several routes of a component that tells methods apart itself.
    #[must_use]
    pub const fn of_any_method(operation: &'static str, scopes: &'static [Scope]) -> Self {
        Self { operation, method: None, scopes }
    }
}

/// The method that a request is routed by: a HEAD is answered as the GET whose body nobody wants.
#[must_use]
pub fn routed_method(request: &Request) -> String {
    let method = request.method();
    if method == http::Method::HEAD { http::Method::GET.to_string() } else { method.to_string() }
}

/// Refuses a request that none of a component's routes is for.
pub async fn refuse(route: &'static Route, request: Request, error: Error) -> Response {
    serve(route, request, async |_| Err(error)).await
}

/// Answers one request.
pub async fn serve(route: &'static Route, request: Request, handle: impl AsyncFnOnce(&mut Call) -> Result<Reply, Error>) -> Response {
    // As trait objects, so that what all routes do is compiled once and not into each of them.
    let begin: Pin<Box<dyn Future<Output = _>>> = Box::pin(begin(route, request));
    let (mut call, admitted) = begin.await;
    let result = match admitted {
        Ok(()) => handle(&mut call).await,
        Err(refused) => Err(refused),
    };
    let end: Pin<Box<dyn Future<Output = _>>> = Box::pin(end(call, result));
    end.await
}

async fn begin(route: &'static Route, request: Request) -> (Call, Result<(), Error>) {
    let mut call = Call::new(route, request).await;
    let admitted = call.admit().await;
    (call, admitted)
}

/// A request that is wrong in itself is still checked for who sent it before it is told so: strangers learn nothing but 401.
async fn end(mut call: Call, mut result: Result<Reply, Error>) -> Response {
    if let Err(wrong) = &result
        && wrong.is_about_the_request()
        && let Err(refused) = call.enter().await
    {
        result = Err(refused);
    }
    // What a route would refuse a method with is what OPTIONS asks for.
    if let Err(Error::Method { allow }) = result
        && call.is_options()
    {
        result = Ok(Reply::options(allow));
    }
    log::request(&call, &result);
    reply::respond(&call, result)
}
