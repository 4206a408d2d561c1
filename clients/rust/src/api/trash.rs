//! What was deleted and can still be brought back.

use anyhow::Result;
use noted_shared::domain::NoteId;
use noted_shared::limits::BATCH_NOTES_MAX;
use noted_shared::wire::{BatchReply, BatchResult, TrashList, TrashRestore, TrashedNote};
use reqwest::Method;

use super::{Api, PAGE_SIZE};

impl Api {
    /// `GET /v1/trash`, every page: the last deleted first.
    ///
    /// # Errors
    /// As [`Api::status`].
    pub async fn trash(&self) -> Result<Vec<TrashedNote>> {
        let mut notes = Vec::new();
        let mut cursor = None;
        loop {
            let mut request = self.route(Method::GET, &["v1", "trash"])?.query(&[("limit", PAGE_SIZE.to_string())]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let list: TrashList = self.send(request).await?;
            notes.extend(list.notes);
            match list.next_cursor {
                Some(next) if list.has_more => cursor = Some(next.to_string()),
                _ => return Ok(notes),
            }
        }
    }

    /// `POST /v1/trash/restore`, as often as it takes; one result for each note, in their order.
    ///
    /// # Errors
    /// As [`Api::status`].
    pub async fn restore(&self, note_ids: &[NoteId]) -> Result<Vec<BatchResult>> {
        let mut results = Vec::with_capacity(note_ids.len());
        for some in note_ids.chunks(BATCH_NOTES_MAX) {
            let restore = TrashRestore { note_ids: some.to_vec(), sync_origin_id: None };
            let reply: BatchReply = self.send(self.route(Method::POST, &["v1", "trash", "restore"])?.json(&restore)).await?;
            results.extend(reply.results);
        }
        Ok(results)
    }
}
