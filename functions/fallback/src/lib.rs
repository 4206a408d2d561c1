//! Every path that no other component answers.
//!
//! A route from before the API had versions (`/ide-sync/...`) is sent on to `/v1`, with the dates of its end; anything else is unknown.
//! Outcomes: 308, 404.

use http::header::{HeaderName, LINK, LOCATION};
use noted_shared::edge::{self, Call, Reply, Request, Response, Route};
use noted_shared::error::Error;
use serde::Serialize;

const ROUTE: Route = Route { operation: "fallback", method: None, scopes: &[] };

/// Since when the unversioned routes are deprecated: 2026-01-01T00:00:00Z, as a structured-field date.
const DEPRECATED: &str = "@1767225600";

/// When they go.
const SUNSET: &str = "Fri, 31 Dec 2027 00:00:00 GMT";

/// Where to go instead.
#[derive(Serialize)]
struct Moved {
    location: String,
}

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, find).await
}

async fn find(call: &mut Call) -> Result<Reply, Error> {
    if !call.path().starts_with("/ide-sync/") {
        return Err(Error::NoRoute);
    }
    // Relative, so that it holds behind any name; the body and the method survive a 308.
    let path = format!("/v1{}", call.path());
    let location = call.raw_query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    let link = format!("<{path}>; rel=\"successor-version\", <https://docs.noted.com/api/versions>; rel=\"deprecation\"");
    Ok(Reply::with_status(308, &Moved { location: location.clone() })?
        .with_header(LOCATION, &location)
        .with_header(HeaderName::from_static("deprecation"), DEPRECATED)
        .with_header(HeaderName::from_static("sunset"), SUNSET)
        .with_header(LINK, &link))
}
