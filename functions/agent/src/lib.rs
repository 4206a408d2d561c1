//! `/v1/agent`: what agents write, and what people make of it.
//!
//! An agent may write by any route and is held to the same rules there; this one answers in the shape that agents expect, takes the notes that a
//! text cites, and keeps which model wrote it. This file says which path and method is which.

mod compare;
mod feedback;
mod learned;
mod write_note;

use noted_shared::domain::Scope;
use noted_shared::edge::{self, Request, Response, Route};
use noted_shared::error::Error;

const WRITE_NOTE: Route = Route::of_any_method("agent_write_note", &[Scope::NotesWrite]);
const FEEDBACK: Route = Route::of_any_method("agent_feedback", &[Scope::NotesWrite]);
const REPORT: Route = Route::of_any_method("agent_report", &[Scope::NotesRead]);
const EXPORT: Route = Route::of_any_method("agent_export", &[Scope::NotesRead]);
/// What is asked of no route.
const NONE: Route = Route::of_any_method("agent", &[]);

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    let method = edge::routed_method(&request);
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').skip(3).collect();
    match (segments.as_slice(), method.as_str()) {
        (["write-note"], "POST") => edge::serve(&WRITE_NOTE, request, write_note::write_note).await,
        (["feedback"], "POST") => edge::serve(&FEEDBACK, request, feedback::feedback).await,
        (["write-note" | "feedback"], _) => edge::refuse(&NONE, request, Error::Method { allow: "POST" }).await,
        (["report"], "GET") => edge::serve(&REPORT, request, learned::report).await,
        (["corrections", "export"], "GET") => edge::serve(&EXPORT, request, learned::export).await,
        (["report"] | ["corrections", "export"], _) => edge::refuse(&NONE, request, Error::Method { allow: "GET" }).await,
        _ => edge::refuse(&NONE, request, Error::NoRoute).await,
    }
}
