//! One request of the twin: its headers, its ids, and what its log line will say.

use std::time::Instant;

use axum::http::HeaderMap;
use noted_shared::domain::{ApiKey, NoteId, OriginId, WorkspaceId};
use noted_shared::error::Error;
use uuid::Uuid;

pub(super) struct Call {
    pub(super) operation: &'static str,
    pub(super) started: Instant,
    pub(super) request_id: String,
    pub(super) correlation_id: String,
    pub(super) user_id: Option<String>,
    pub(super) note_id: Option<NoteId>,
    pub(super) origin: Option<OriginId>,
    headers: HeaderMap,
}

impl Call {
    pub(super) fn new(operation: &'static str, headers: HeaderMap) -> Self {
        let request_id = Uuid::new_v4().to_string();
        let sent = headers.get("x-correlation-id").and_then(|id| id.to_str().ok());
        let correlation_id = sent.unwrap_or(&request_id).to_owned();
        let (user_id, note_id, origin) = (None, None, None);
        Self { operation, started: Instant::now(), request_id, correlation_id, user_id, note_id, origin, headers }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn key(&self) -> Result<ApiKey, Error> {
        let bearer = self.header("authorization").and_then(|value| value.split_once(' '));
        let key = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim());
        key.and_then(|key| ApiKey::parse(key).ok()).ok_or(Error::Unauthorized)
    }

    pub(super) fn workspace(&self) -> Result<Option<Uuid>, Error> {
        let named = self.header("x-workspace-id").map(WorkspaceId::parse).transpose();
        named.map(|id| id.map(WorkspaceId::uuid)).map_err(|wrong| Error::field("X-Workspace-ID", wrong))
    }

    pub(super) fn expect_json(&self) -> Result<(), Error> {
        if self.header("content-type") == Some("application/json") { Ok(()) } else { Err(Error::MediaType) }
    }
}
