//! `POST /internal/jobs/{name}`: one round of the worker. No user comes here: the caller brings the secret that the operator has set.
//!
//! Whoever runs Noted calls `embed` every second or so, and `collect` every ten minutes or so; `noted up` does. The one cuts notes that nobody has
//! cut and fetches vectors that are missing, the other clears away what nobody needs any more. A round ends when nothing is left or its time is over.
//! Rounds may overlap: what one works at is leased to it, and a lease ends by itself. Outcomes: 200, 401, 404, 405, 503.

mod collect;
mod embed;

use noted_shared::edge::{self, Call, Reply, Request, Response, Route};
use noted_shared::error::Error;

const ROUTE: Route = Route { operation: "jobs", method: Some("POST"), scopes: &[] };

/// Where the path names the job: `/internal/jobs/{name}`.
const NAME: usize = 2;

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    edge::serve(&ROUTE, request, run).await
}

async fn run(call: &mut Call) -> Result<Reply, Error> {
    call.must_be_worker().await?;
    call.query()?.finish()?;
    match call.segment(NAME) {
        "embed" => Reply::ok(&embed::round().await?),
        "collect" => Reply::ok(&collect::round().await?),
        _ => Err(Error::NoRoute),
    }
}
