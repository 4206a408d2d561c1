//! What changed in a workspace, in the order in which it changed.

use super::NoteOut;
use crate::domain::{ChangeCursor, OriginId, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The answer to `GET /v1/ide-sync/changes`. `C` is how the page holds its changes: read by clients, passed on as text by the component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangeList<C = Vec<Change>> {
    /// The latest change of each note that changed, in the order of their `seq`.
    pub changes: C,
    /// Send it as `cursor` to get what comes next, now or later. Always there, also when nothing changed.
    pub next_cursor: ChangeCursor,
    /// Whether more follow right now. A page can be shorter than its limit and yet not the last: large notes end it early.
    pub has_more: bool,
}

/// One note as its latest change left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The note. A tombstone keeps everything but its text; its version, vector and origin are those of the deletion.
    #[serde(flatten)]
    pub note: NoteOut,
    /// When it was deleted; null while it lives.
    pub deleted_at: Option<Timestamp>,
    /// Who deleted it.
    pub deleted_by: Option<OriginId>,
}

/// The details of a 410 on the changes: nobody can tell any more what its sender has missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullResync {
    /// Why.
    pub reason: ResyncReason,
    /// What to do, in words.
    pub action: Cow<'static, str>,
}

/// Why the changes cannot be followed from a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResyncReason {
    /// Deletions that the sender has not seen were so long ago that their tombstones are gone.
    TombstonesCollected,
    /// The database was set back to an earlier state, so places after that mean something else now.
    DatabaseRestored,
}

impl From<ResyncReason> for FullResync {
    fn from(reason: ResyncReason) -> Self {
        let action = "Read the changes again from the beginning, without a cursor. Remove local files of notes that are gone only where their \
                      hash is still the one last synced; upload every other local file as new or as a conflict.";
        Self { reason, action: action.into() }
    }
}
