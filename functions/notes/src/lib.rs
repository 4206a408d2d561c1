//! `/v1/notes` and `/v1/trash`: notes as a resource, with their older versions, and those that were deleted.
//!
//! The same rules as the editors' routes, by the same database functions; here a version's number, its entity tag, is what a writer has to have
//! seen. This file says which path and method is which; each answer is in a file of its own.

mod read;
mod revisions;
mod search;
mod trash;
mod write;

use noted_shared::domain::Scope;
use noted_shared::edge::{self, Request, Response, Route};
use noted_shared::error::Error;

/// Where the path names the note: `/v1/notes/{id}`.
const ID: usize = 2;

const LIST: Route = Route::of_any_method("notes_list", &[Scope::NotesRead]);
const SEARCH: Route = Route::of_any_method("notes_search", &[Scope::NotesRead]);
const READ: Route = Route::of_any_method("notes_read", &[Scope::NotesRead]);
const REVISIONS: Route = Route::of_any_method("notes_revisions", &[Scope::NotesRead]);
const REVISION: Route = Route::of_any_method("notes_revision", &[Scope::NotesRead]);
const DIFF: Route = Route::of_any_method("notes_diff", &[Scope::NotesRead]);
const CREATE: Route = Route::of_any_method("notes_create", &[Scope::NotesWrite]);
const REPLACE: Route = Route::of_any_method("notes_replace", &[Scope::NotesWrite]);
const PATCH: Route = Route::of_any_method("notes_patch", &[Scope::NotesWrite]);
const RESTORE: Route = Route::of_any_method("notes_restore", &[Scope::NotesWrite]);
const RESTORE_VERSION: Route = Route::of_any_method("notes_restore_version", &[Scope::NotesWrite]);
const TRASH: Route = Route::of_any_method("notes_trash", &[Scope::NotesRead]);
const RESTORE_MANY: Route = Route::of_any_method("notes_restore_many", &[Scope::NotesWrite]);
const DELETE: Route = Route::of_any_method("notes_delete", &[Scope::NotesDelete]);
/// What is asked of no route.
const NONE: Route = Route::of_any_method("notes", &[]);

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    let method = edge::routed_method(&request);
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').skip(3).collect();
    if path.starts_with("/v1/trash") {
        return trash(&segments, &method, request).await;
    }
    match (segments.as_slice(), method.as_str()) {
        ([], "GET") => edge::serve(&LIST, request, read::list).await,
        ([], "POST") => edge::serve(&CREATE, request, write::create).await,
        ([], _) => edge::refuse(&NONE, request, Error::Method { allow: "GET, POST" }).await,
        (["search"], "GET") => edge::serve(&SEARCH, request, search::search).await,
        (["search"], _) => edge::refuse(&NONE, request, Error::Method { allow: "GET" }).await,
        ([_], "GET") => edge::serve(&READ, request, read::note).await,
        ([_], "PUT") => edge::serve(&REPLACE, request, write::replace).await,
        ([_], "PATCH") => edge::serve(&PATCH, request, write::patch).await,
        ([_], "DELETE") => edge::serve(&DELETE, request, write::delete).await,
        ([_], _) => edge::refuse(&NONE, request, Error::Method { allow: "GET, PUT, PATCH, DELETE" }).await,
        ([_, "revisions"], "GET") => edge::serve(&REVISIONS, request, revisions::list).await,
        ([_, "revisions", _], "GET") => edge::serve(&REVISION, request, revisions::one).await,
        ([_, "diff"], "GET") => edge::serve(&DIFF, request, revisions::diff).await,
        ([_, "revisions" | "diff"] | [_, "revisions", _], _) => edge::refuse(&NONE, request, Error::Method { allow: "GET" }).await,
        ([_, "restore"], "POST") => edge::serve(&RESTORE, request, write::restore).await,
        ([_, "restore", _], "POST") => edge::serve(&RESTORE_VERSION, request, write::restore_version).await,
        ([_, "restore"] | [_, "restore", _], _) => edge::refuse(&NONE, request, Error::Method { allow: "POST" }).await,
        _ => edge::refuse(&NONE, request, Error::NoRoute).await,
    }
}

/// The routes below `/v1/trash`.
async fn trash(segments: &[&str], method: &str, request: Request) -> Response {
    match (segments, method) {
        ([], "GET") => edge::serve(&TRASH, request, trash::list).await,
        ([], _) => edge::refuse(&NONE, request, Error::Method { allow: "GET" }).await,
        (["restore"], "POST") => edge::serve(&RESTORE_MANY, request, trash::restore).await,
        (["restore"], _) => edge::refuse(&NONE, request, Error::Method { allow: "POST" }).await,
        _ => edge::refuse(&NONE, request, Error::NoRoute).await,
    }
}
