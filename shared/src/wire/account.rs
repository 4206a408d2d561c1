//! Who a key is, and what its workspace has set.

use crate::domain::{EpochId, Scope, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The answer to `GET /v1/me`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The workspace that the key opens.
    pub workspace: WorkspaceOut,
    /// Whose key it is.
    pub user: UserOut,
    /// The key itself, without what is secret of it.
    pub key: KeyOut,
    /// Whether this key may change the workspace's settings.
    pub may_manage: bool,
    /// What is left of the rate, this request counted; null where requests are not counted.
    #[serde(default)]
    pub rate: Option<RateLeft>,
}

/// A workspace, as each of its keys may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceOut {
    /// Its id: the value of `X-Workspace-ID`.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// `free`, `pro`, `dev` or `internal`.
    pub tier: String,
    /// The life of its database: another one after a restore, when places in the feed mean something else.
    pub epoch: EpochId,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserOut {
    /// Their id.
    pub id: Uuid,
    /// Their address.
    pub email: String,
    /// What they are in the workspace: `owner`, `editor`, `viewer` or `agent`.
    pub role: String,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyOut {
    /// Its id: what it writes as `key-<id>` where no origin is named.
    pub id: Uuid,
    /// What an operator knows it by.
    pub public_id: String,
    /// `user`, `ide`, `agent`, `integration` or `service`.
    pub kind: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Its last four characters.
    pub last_four: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What is left of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLeft {
    /// Requests in a minute.
    pub limit: i32,
    /// Requests left.
    pub remaining: i32,
    /// When more will be left.
    pub reset_at: Timestamp,
}

/// The answer to `GET` and `PATCH /v1/workspace/settings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceSettings {
    /// Whether texts may go to the provider of embeddings, and corrections to whoever trains models.
    pub ai_processing: bool,
    /// The size of an agent's note in bytes at most.
    pub agent_note_bytes_max: i32,
    /// Words that agents may not use, in any case.
    pub agent_refused_words: Vec<String>,
    /// Days for which a conflict can be read after the last thing that happened to it.
    pub conflict_retention_days: i32,
}

/// The body of `PATCH /v1/workspace/settings`: what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChange {
    /// See [`WorkspaceSettings::ai_processing`]. False also deletes the vectors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ai_processing: Option<bool>,
    /// See [`WorkspaceSettings::agent_note_bytes_max`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_note_bytes_max: Option<i32>,
    /// See [`WorkspaceSettings::agent_refused_words`]: in place of those that were set before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_refused_words: Option<Vec<String>>,
    /// See [`WorkspaceSettings::conflict_retention_days`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_retention_days: Option<i32>,
}
