//! `/v1/folders`: the tree that notes are sorted into.
//!
//! A folder changes no note: its notes name it by id, so a new name or place is nothing that they have to be told. Only a deletion that moves notes
//! changes them, each as a change of its own that followers are told.

use noted_shared::domain::{ContentHash, FolderId, IdempotencyKey, Invalid, OriginId, Scope};
use noted_shared::edge::{self, Call, Outcome, Reply, Request, Response, Route, Row, Statement};
use noted_shared::error::Error;
use noted_shared::input::text;
use noted_shared::wire::{FolderDeleted, FolderDraft, FolderPatch, FolderReply};
use noted_shared::{limits, params};
use serde::{Deserialize, Serialize};

const LIST: Route = Route::of_any_method("folders_list", &[Scope::NotesRead]);
const CREATE: Route = Route::of_any_method("folders_create", &[Scope::NotesWrite]);
const EDIT: Route = Route::of_any_method("folders_edit", &[Scope::NotesWrite]);
const DELETE: Route = Route::of_any_method("folders_delete", &[Scope::NotesDelete]);
/// What is asked of no route.
const NONE: Route = Route::of_any_method("folders", &[]);

const LISTING: Statement = Statement::new("listing folders", "select * from api.folders_list($1, $2, $3)");
const CREATING: Statement = Statement::new("making a folder", "select * from api.folders_create($1, $2, $3, $4, $5, $6, $7, $8)");
const EDITING: Statement = Statement::new("changing a folder", "select * from api.folders_edit($1, $2, $3, $4, $5, $6, $7, $8, $9)");
const DELETING: Statement = Statement::new("deleting a folder", "select * from api.folders_delete($1, $2, $3, $4, $5, $6, $7, $8)");

/// Where the path names the folder: `/v1/folders/{id}`.
const ID: usize = 2;

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response {
    let method = edge::routed_method(&request);
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').skip(3).collect();
    match (segments.as_slice(), method.as_str()) {
        ([], "GET") => edge::serve(&LIST, request, list).await,
        ([], "POST") => edge::serve(&CREATE, request, create).await,
        ([], _) => edge::refuse(&NONE, request, Error::Method { allow: "GET, POST" }).await,
        ([_], "PATCH") => edge::serve(&EDIT, request, edit).await,
        ([_], "DELETE") => edge::serve(&DELETE, request, delete).await,
        ([_], _) => edge::refuse(&NONE, request, Error::Method { allow: "PATCH, DELETE" }).await,
        _ => edge::refuse(&NONE, request, Error::NoRoute).await,
    }
}

/// All folders. Outcomes: 200, 304, 401, 403, 429, 503.
async fn list(call: &mut Call) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Found {}
    /// [`noted_shared::wire::FolderList`] without the folders.
    #[derive(Serialize)]
    struct Rest {
        success: bool,
    }
    let known = call.known_tags();
    let row = call.ask(&LISTING, || params![known.as_slice()]).await?;
    Reply::listed(row, "folders", |Found {}| Rest { success: true })
}

/// Outcomes: 201, 400, 401, 403, 404 (no such parent), 409 (the name is taken there), 415, 422 (too deep, or too many), 429, 503.
async fn create(call: &mut Call) -> Result<Reply, Error> {
    let (idempotency_key, draft) = call.change(FolderDraft::parse).await?;
    let request_hash = ContentHash::of_json(&draft);
    let params = || params![&idempotency_key, request_hash, draft.parent_id, &draft.name, limits::FOLDER_DEPTH_MAX, limits::FOLDERS_MAX];
    let row = call.ask(&CREATING, params).await?;
    match row.outcome()? {
        outcome @ (Outcome::Created | Outcome::Replayed) => {
            let reply = FolderReply { success: true, folder: row.body()? };
            Ok(Reply::created(&reply)?.replayed(outcome == Outcome::Replayed))
        }
        Outcome::TooMany => {
            Err(Error::field("name", Invalid::refused(format!("is one more than the {} folders of a workspace", limits::FOLDERS_MAX))))
        }
        _ => Err(refusal(&row)),
    }
}

/// Outcomes: 200, 400, 401, 403, 404 (no such folder, or parent), 409 (the name is taken there), 415, 422 (in itself, or too deep), 429, 503.
async fn edit(call: &mut Call) -> Result<Reply, Error> {
    let folder_id = folder_id(call)?;
    let (idempotency_key, patch) = call.repeatable_change(FolderPatch::parse).await?;
    let request_hash = ContentHash::of_json(&patch);
    let params = || {
        params![
            idempotency_key.as_ref(),
            request_hash,
            folder_id,
            patch.name.as_ref(),
            patch.parent_id.is_some(),
            patch.parent_id.flatten(),
            limits::FOLDER_DEPTH_MAX,
        ]
    };
    let row = call.ask(&EDITING, params).await?;
    match row.outcome()? {
        outcome @ (Outcome::Updated | Outcome::Unchanged | Outcome::Replayed) => {
            let reply = FolderReply { success: true, folder: row.body()? };
            Ok(Reply::ok(&reply)?.replayed(outcome == Outcome::Replayed))
        }
        _ => Err(refusal(&row)),
    }
}

/// With `notes=move_to_parent` its notes move up; without, a folder that holds notes stays. Outcomes: 200, 400, 401, 403, 404, 409 (it holds
/// something), 422 (more notes than one request moves), 429, 503.
async fn delete(call: &mut Call) -> Result<Reply, Error> {
    #[derive(Deserialize)]
    struct Deleted {
        notes_moved: i64,
    }
    let folder_id = folder_id(call)?;
    let mut fields = call.query()?;
    call.add_headers(&mut fields);
    let moves_notes = fields.optional("notes", text(moves_notes)).unwrap_or(false);
    let idempotency_key = fields.optional("idempotency_key", text(IdempotencyKey::parse));
    let origin = fields.optional("sync_origin_id", text(OriginId::parse));
    fields.finish()?;
    let request_hash = ContentHash::of_json(&(&origin, moves_notes));
    let params =
        || params![idempotency_key.as_ref(), request_hash, origin.as_ref(), folder_id, moves_notes, limits::FOLDER_NOTES_MOVED_MAX];
    let row = call.ask(&DELETING, params).await?;
    match row.outcome()? {
        outcome @ (Outcome::Deleted | Outcome::Replayed) => {
            let Deleted { notes_moved } = row.body()?;
            Ok(Reply::ok(&FolderDeleted { success: true, notes_moved })?.replayed(outcome == Outcome::Replayed))
        }
        Outcome::TooMany => {
            let most = limits::FOLDER_NOTES_MOVED_MAX;
            Err(Error::field("notes", Invalid::refused(format!("are more than {most}, which is what one request moves; move some first"))))
        }
        _ => Err(refusal(&row)),
    }
}

fn folder_id(call: &Call) -> Result<FolderId, Error> {
    FolderId::parse(call.segment(ID)).map_err(|wrong| Error::field("id", wrong))
}

fn moves_notes(text: &str) -> Result<bool, Invalid> {
    if text == "move_to_parent" { Ok(true) } else { Err(Invalid::malformed("must be move_to_parent, or absent")) }
}

/// What the tree refuses.
fn refusal(row: &Row) -> Error {
    let refusal = match row.outcome() {
        Ok(Outcome::NoFolder) => row.body().map(Error::NoFolder),
        Ok(Outcome::FolderExists) => row.body().map(Error::FolderExists),
        Ok(Outcome::FolderNotEmpty) => row.body().map(Error::FolderNotEmpty),
        Ok(Outcome::FolderCycle) => Ok(Error::field("parent_id", Invalid::refused("lies in the folder itself"))),
        Ok(Outcome::FolderTooDeep) => {
            let deepest = limits::FOLDER_DEPTH_MAX;
            Ok(Error::field("parent_id", Invalid::refused(format!("would make more than {deepest} folders lie in one another"))))
        }
        _ => Ok(row.refusal()),
    };
    refusal.unwrap_or_else(|unreadable| unreadable)
}
