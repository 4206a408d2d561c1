//! What the engine asks for, as it travels, and what the server answers, as the engine understands it.

use anyhow::Result;
use noted_shared::domain::{Content, FileMetadata, IdempotencyKey, NoteId, NotePath, OriginId};
use noted_shared::wire::{
    ChangeList, Conflict, FullResync, Gone, MergeMode, NoteDeleted, NoteIn, NoteOut, NoteReply, NoteUpdate, PathTaken, ResyncReason,
};
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;

use super::{Api, Refusal};
use crate::engine::{Answer, FileFacts, Page, PageRequest, Pending, Remote, Request, Written};

/// Notes on a page of changes.
const PAGE_NOTES: u16 = 500;

impl Api {
    /// Sends a request of the engine, with its text if it has one. Tries again as long as nobody has answered.
    ///
    /// # Errors
    /// When there is no answer that settles the request: it may have been done, and is to be sent again.
    pub async fn deliver(&self, origin: &OriginId, pending: &Pending, text: Option<Content>) -> Result<Answer> {
        let outcome = match &pending.request {
            Request::Create { file } => {
                let note = note_in(origin, &pending.path, file, text.unwrap_or_default());
                self.written(self.write(Method::POST, "create", None, &pending.key)?.json(&note)).await
            }
            Request::Update { note_id, .. } => {
                let update = note_update(origin, pending, text.unwrap_or_default());
                self.written(self.write(Method::PUT, "update", Some(*note_id), &pending.key)?.json(&update)).await
            }
            Request::Delete { note_id, seen } => {
                let request = self.delete(*note_id, &pending.key)?.header("X-Sync-Origin", origin.as_str());
                let request = request.query(&[("version_vector", serde_json::to_string(seen)?)]);
                self.send::<NoteDeleted>(request).await.map(|_| Answer::Deleted)
            }
        };
        outcome.or_else(settled)
    }

    /// `GET /v1/ide-sync/changes`: a page, or why there is none.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn changes(&self, request: &PageRequest) -> Result<Result<Page, ResyncReason>> {
        let mut query = vec![("limit", PAGE_NOTES.to_string()), ("include_content", request.include_content.to_string())];
        query.extend(request.cursor.map(|cursor| ("cursor", cursor.to_string())));
        match self.send::<ChangeList>(self.request(Method::GET, "changes", None)?.query(&query)).await {
            Ok(list) => Ok(Ok(Page {
                changes: list.changes.into_iter().map(Into::into).collect(),
                next_cursor: list.next_cursor,
                has_more: list.has_more,
            })),
            Err(error) => match error.downcast_ref::<Refusal>().filter(|refusal| refusal.status.as_u16() == 410) {
                Some(refusal) => details::<FullResync>(refusal).map(|resync| Err(resync.reason)).ok_or(error),
                None => Err(error),
            },
        }
    }

    fn delete(&self, note_id: NoteId, key: &IdempotencyKey) -> Result<RequestBuilder> {
        self.write(Method::DELETE, "delete", Some(note_id), key)
    }

    async fn written(&self, request: RequestBuilder) -> Result<Answer> {
        let note = self.send::<NoteReply>(request).await?.note;
        Ok(Answer::Written(note.into()))
    }
}

pub(super) fn note_in(origin: &OriginId, path: &NotePath, file: &FileFacts, content: Content) -> NoteIn {
    NoteIn {
        title: file.title.clone(),
        content,
        content_sha256: file.hash,
        ide_file_path: Some(path.clone()),
        ide_last_modified: file.modified,
        sync_origin_id: origin.clone(),
        folder_id: None,
        note_type: None,
        source_metadata: serde_json::Map::new(),
        file_metadata: FileMetadata::default(),
    }
}

/// The body of an update; none if the request is no update.
pub(super) fn note_update(origin: &OriginId, pending: &Pending, content: Content) -> Option<NoteUpdate> {
    let Request::Update { seen, file, decided, merge, .. } = &pending.request else { return None };
    Some(NoteUpdate {
        content,
        content_sha256: file.hash,
        ide_last_modified: file.modified,
        sync_origin_id: origin.clone(),
        version_vector: seen.clone(),
        title: Some(file.title.clone()),
        ide_file_path: Some(pending.path.clone()),
        folder_id: None,
        file_metadata: None,
        last_known_updated_at: None,
        force_overwrite: *decided,
        merge: merge.then_some(MergeMode::Auto),
    })
}

impl From<NoteOut> for Written {
    fn from(note: NoteOut) -> Self {
        Self { note_id: note.id, hash: note.content_sha256, version: note.version, version_vector: note.version_vector }
    }
}

/// A refusal that settles the request. What concerns the key or the connection does not.
fn settled(error: anyhow::Error) -> Result<Answer> {
    let Some(refusal) = error.downcast_ref::<Refusal>() else { return Err(error) };
    let answer = match (refusal.status.as_u16(), &*refusal.problem.code) {
        (409, _) => conflict(refusal),
        (410, _) => details::<Gone>(refusal).map(|gone| Answer::Gone(gone.version, gone.version_vector)),
        (404, "NOT_FOUND") => Some(Answer::NotFound),
        (422, "IDEMPOTENCY_KEY_REUSED") => Some(Answer::KeyReused),
        (422, "UNKNOWN_VERSION") => Some(Answer::UnknownVersion),
        (422, "ORIGIN_TAKEN") => Some(Answer::OriginTaken),
        (400 | 413 | 415 | 422, _) => Some(Answer::Refused(refusal.problem.message.clone())),
        _ => None,
    };
    answer.ok_or(error)
}

fn conflict(refusal: &Refusal) -> Option<Answer> {
    if let Some(taken) = details::<PathTaken>(refusal) {
        return Some(Answer::PathTaken(Box::new(Remote::of_refusal(taken.noted_version)?)));
    }
    let conflict = details::<Conflict>(refusal)?;
    Some(Answer::Conflict(Box::new(Remote::of_refusal(conflict.noted_version)?), conflict.base.map(|base| base.content)))
}

fn details<T: DeserializeOwned>(refusal: &Refusal) -> Option<T> {
    serde_json::from_value(refusal.problem.details.clone()?).ok()
}
