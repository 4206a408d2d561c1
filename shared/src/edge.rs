//! From a request to one statement, and from its row to an answer: the only code that knows Spin.
//!
//! A component hands its route and its handler to [`serve`]. What every route does alike happens here, once: method, version, key,
//! refusals, envelope, headers, log line. The handler only parses, asks and maps.

mod accept;
mod body;
mod call;
pub mod db;
mod headers;
mod log;
pub mod params;
mod reply;
mod settings;
pub mod voyage;

pub use call::Call;
pub use db::{Outcome, Row, Statement};
pub use headers::IfMatch;
pub use reply::{Reply, Response, note_tag};

use crate::domain::Scope;
use crate::error::Error;

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

/// Refuses a request that none of a component's routes is for.
pub async fn refuse(route: &'static Route, request: Request, error: Error) -> Response {
    serve(route, request, async |_| Err(error)).await
}

/// Answers one request.
///
/// A request that is wrong in itself is still checked for who sent it before it is told so: strangers learn nothing but 401.
pub async fn serve(route: &'static Route, request: Request, handle: impl AsyncFnOnce(&mut Call) -> Result<Reply, Error>) -> Response {
    let mut call = Call::new(route, request);
    let mut result = match call.admit().await {
        Ok(()) => handle(&mut call).await,
        Err(refused) => Err(refused),
    };
    if let Err(wrong) = &result
        && wrong.is_about_the_request()
        && let Err(refused) = call.enter().await
    {
        result = Err(refused);
    }
    log::request(&call, &result);
    reply::respond(&call, result)
}
