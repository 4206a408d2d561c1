//! The probe: a component that does what a request tells it to, and answers with what the host did.
//!
//! Every behaviour of a host that Noted's components rely on can be asked for through one of these endpoints. They are general on
//! purpose: what is asked, and which answer is right, are data in `tests/conformance/cases.json`. The same module is mounted three
//! times (see `spin.toml`), because routing, isolation and chaining need more than one component.

mod body;
mod describe;
mod kv;
mod lifecycle;
mod outbound;
mod pg;
mod reply;
mod system;
mod variables;

use reply::Reply;
use spin_sdk::http::Request;
use spin_sdk::http_service;
use spin_sdk::wasip3::http::types::ErrorCode;

#[http_service]
async fn handle(request: Request) -> Result<Reply, ErrorCode> {
    lifecycle::count_request();
    match endpoint(request.uri().path()) {
        "body/echo" => body::echo(request).await,
        "body/stream" => Ok(body::stream_back(request)),
        "body/measure" => body::measure(request).await,
        "body/begin" => Ok(body::begin(request).await),
        "body/ignore" => Ok(body::ignore(&request)),
        "body/generate" => body::generate(&request),
        "body/answer" => body::answer(request).await,
        "kv" => kv::run(request).await,
        "lifecycle/state" => Ok(lifecycle::state()),
        "lifecycle/sleep" => lifecycle::sleep(&request).await,
        "lifecycle/busy" => lifecycle::busy(&request),
        "lifecycle/panic" => lifecycle::panic_after(&request).await,
        "lifecycle/fail" => lifecycle::fail(),
        "lifecycle/after" => lifecycle::after(&request),
        "lifecycle/break" => lifecycle::break_body(&request),
        "outbound" => outbound::send(request).await,
        "pg" => pg::run(request).await,
        "system/environment" => Ok(system::environment()),
        "system/file" => system::file(request).await,
        "system/clock" => Ok(system::clock().await),
        "system/random" => Ok(system::random()),
        "system/log" => Ok(system::log()),
        "variable" => variables::get(&request).await,
        _ => Ok(describe::describe(&request)),
    }
}

/// What follows the first segment of the path: the components are mounted at `/probe/...` and `/other/...`.
fn endpoint(path: &str) -> &str {
    path.trim_start_matches('/').split_once('/').map_or("", |(_mount, rest)| rest)
}
