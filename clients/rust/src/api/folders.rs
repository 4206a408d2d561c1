//! The folders that notes are sorted into.

use anyhow::Result;
use noted_shared::domain::FolderId;
use noted_shared::wire::{FolderDeleted, FolderDraft, FolderList, FolderOut, FolderPatch, FolderReply};
use reqwest::Method;
use uuid::Uuid;

use super::Api;

impl Api {
    /// `GET /v1/folders`: all of them, each after the one that it lies in.
    ///
    /// # Errors
    /// As [`Api::status`].
    pub async fn folders(&self) -> Result<Vec<FolderOut>> {
        let list: FolderList = self.send(self.route(Method::GET, &["v1", "folders"])?).await?;
        Ok(list.folders)
    }

    /// `POST /v1/folders`.
    ///
    /// # Errors
    /// As [`Api::status`].
    pub async fn make_folder(&self, draft: &FolderDraft) -> Result<FolderOut> {
        // A key for this one time: a folder that was deleted meanwhile is to be made again.
        let request = self.route(Method::POST, &["v1", "folders"])?.header("Idempotency-Key", Uuid::new_v4().to_string());
        let reply: FolderReply = self.send(request.json(draft)).await?;
        Ok(reply.folder)
    }

    /// `PATCH /v1/folders/{id}`.
    ///
    /// # Errors
    /// As [`Api::status`].
    pub async fn change_folder(&self, folder_id: FolderId, patch: &FolderPatch) -> Result<FolderOut> {
        let request = self.route(Method::PATCH, &["v1", "folders", &folder_id.to_string()])?;
        let reply: FolderReply = self.send(request.json(patch)).await?;
        Ok(reply.folder)
    }

    /// `DELETE /v1/folders/{id}`; answers how many notes were moved out of it.
    ///
    /// # Errors
    /// As [`Api::status`].
    pub async fn delete_folder(&self, folder_id: FolderId, moves_notes: bool) -> Result<i64> {
        // With a key, so that a retry of a delete whose answer was lost is no 404.
        let request = self.route(Method::DELETE, &["v1", "folders", &folder_id.to_string()])?;
        let request = request.header("Idempotency-Key", Uuid::new_v4().to_string());
        let query: &[(&str, &str)] = if moves_notes { &[("notes", "move_to_parent")] } else { &[] };
        let deleted: FolderDeleted = self.send(request.query(query)).await?;
        Ok(deleted.notes_moved)
    }
}
