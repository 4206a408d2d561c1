//! Questions, what agents write, and how the vectors that answer them stand.

use anyhow::Result;
use noted_shared::domain::ContentHash;
use noted_shared::wire::{AgentNote, AgentNoteReply, Embeddings, EmbeddingsQueued, EmbeddingsStatus, RagQuery, RagReply};
use reqwest::Method;

use super::Api;

impl Api {
    /// `POST /v1/rag-query`.
    ///
    /// # Errors
    /// As [`Api::status`].
    pub async fn query(&self, query: &RagQuery) -> Result<RagReply> {
        self.send(self.route(Method::POST, &["v1", "rag-query"])?.json(query)).await
    }

    /// `POST /v1/agent/write-note`. Sent again within a day, the same note is written once.
    ///
    /// # Errors
    /// A [`super::Refusal`] when the text breaks a rule; otherwise as [`Api::status`].
    pub async fn write_note(&self, note: &AgentNote) -> Result<AgentNoteReply> {
        let request = self.route(Method::POST, &["v1", "agent", "write-note"])?;
        self.send(request.header("Idempotency-Key", ContentHash::of_json(note).to_string()).json(note)).await
    }

    /// `GET /v1/embeddings`.
    ///
    /// # Errors
    /// As [`Api::status`].
    pub async fn embeddings(&self) -> Result<Embeddings> {
        let status: EmbeddingsStatus = self.send(self.route(Method::GET, &["v1", "embeddings"])?).await?;
        Ok(status.embeddings)
    }

    /// `POST /v1/embeddings/backfill`; answers how many notes wait now.
    ///
    /// # Errors
    /// As [`Api::status`].
    pub async fn backfill_embeddings(&self) -> Result<i64> {
        let queued: EmbeddingsQueued = self.send(self.route(Method::POST, &["v1", "embeddings", "backfill"])?).await?;
        Ok(queued.queued)
    }
}
