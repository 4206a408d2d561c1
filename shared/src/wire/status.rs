//! How syncing stands.

use crate::domain::Timestamp;
use serde::{Deserialize, Serialize};

/// The answer to `GET /v1/ide-sync/status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncStatus {
    /// Live notes that came from an editor's folder.
    pub total_synced_notes: i64,
    /// When an editor last sent a note; null before the first.
    pub last_sync_at: Option<Timestamp>,
    /// Whether this key may sync.
    pub sync_enabled: bool,
    /// Requests left in this minute; null when they are not counted.
    pub rate_limit_remaining: Option<i32>,
    /// When the count has gone down again; null when requests are not counted.
    pub rate_limit_reset_at: Option<Timestamp>,
}
