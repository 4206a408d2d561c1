//! The row that every function of `api` answers with.

use crate::domain::{FolderId, NoteId, Scope, Timestamp};
use crate::error::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use spin_sdk::pg::DbValue;
use std::time::SystemTime;

/// A reply: what came of it, and what goes with that.
#[derive(Debug)]
pub struct Row {
    outcome: Option<Outcome>,
    body: Option<String>,
    bulk: Option<String>,
    /// Whose key it was.
    pub user_id: Option<String>,
    /// How the caller's rate stands; none where requests are not counted, or no key was recognised.
    pub rate: Option<Rate>,
}

/// How often a caller may still ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests in a minute.
    pub limit: i32,
    /// Requests left.
    pub remaining: i32,
    /// When more will be left.
    pub reset_at: Timestamp,
}

/// Defines the outcomes, each with the name that SQL gives it.
macro_rules! outcomes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What came of a statement. Refusals are outcomes too, so that what they record is kept.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Outcome {
            $($(#[$doc])* $variant,)*
        }

        impl Outcome {
            fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

outcomes! {
    /// The caller may ask.
    Entered = "entered",
    /// The key opens nothing.
    Unauthorized = "unauthorized",
    /// The key is for another workspace.
    WrongWorkspace = "wrong_workspace",
    /// The key lacks a scope.
    MissingScope = "missing_scope",
    /// Too many requests.
    RateLimited = "rate_limited",
    /// A note was made.
    Created = "created",
    /// A note was changed.
    Updated = "updated",
    /// The note already is what it should become.
    Unchanged = "unchanged",
    /// The note is a tombstone now.
    Deleted = "deleted",
    /// The note was a tombstone before.
    AlreadyDeleted = "already_deleted",
    /// The answer to the same request, sent before.
    Replayed = "replayed",
    /// Another request had this idempotency key.
    KeyReused = "key_reused",
    /// No such note.
    NotFound = "not_found",
    /// No such folder.
    NoFolder = "no_folder",
    /// Another folder has the name.
    FolderExists = "folder_exists",
    /// A folder would lie in itself.
    FolderCycle = "folder_cycle",
    /// Folders would lie in one another too deep.
    FolderTooDeep = "folder_too_deep",
    /// The folder holds something.
    FolderNotEmpty = "folder_not_empty",
    /// There would be more than one request, or one workspace, may have.
    TooMany = "too_many",
    /// Another note has the path.
    PathTaken = "path_taken",
    /// The stored version has changes that the sender has not seen.
    Conflict = "conflict",
    /// The note was deleted.
    Gone = "gone",
    /// An agent would change a version that it need not have seen.
    NamesNoVersion = "names_no_version",
    /// The note is at another version than the request demands.
    VersionMismatch = "version_mismatch",
    /// The sent vector claims what never was.
    UnknownVersion = "unknown_version",
    /// Another key writes under the sent name.
    OriginTaken = "origin_taken",
    /// The workspace has no more room.
    StorageFull = "storage_full",
    /// One thing, as it is.
    Read = "read",
    /// What the client has is what there is.
    NotModified = "not_modified",
    /// The note is of another type than the request says.
    TypeDiffers = "type_differs",
    /// No such version is kept.
    NoRevision = "no_revision",
    /// No such conflict.
    NoConflict = "no_conflict",
    /// The conflict was settled before.
    AlreadyResolved = "already_resolved",
    /// One side of the conflict has no text.
    NoSide = "no_side",
    /// A conflict was decided.
    Resolved = "resolved",
    /// A page of notes.
    Listed = "listed",
    /// A page of changes.
    Changed = "changed",
    /// The cursor was given out for another workspace.
    ForeignCursor = "foreign_cursor",
    /// Only reading everything again helps.
    FullResync = "full_resync",
    /// A batch was written, all but what failed.
    Batched = "batched",
    /// Too much of a batch failed, so nothing was written.
    BatchFailed = "batch_failed",
    /// How syncing stands.
    Status = "status",
    /// Notes wait for their vectors.
    Queued = "queued",
    /// The same was asked a moment ago.
    Answered = "answered",
    /// A question can be answered.
    Ready = "ready",
    /// Results, best first.
    Found = "found",
    /// The caller does not manage the workspace.
    NotOwner = "not_owner",
    /// The workspace lets no text go to a provider.
    NoConsent = "no_consent",
    /// A round of the worker began.
    Begun = "begun",
    /// Chunks were stored.
    Analysed = "analysed",
    /// Notes were leased.
    Claimed = "claimed",
    /// Nothing is due.
    Idle = "idle",
    /// Vectors were stored.
    Stored = "stored",
    /// Notes will be tried again later.
    PutOff = "put_off",
    /// Some of what nobody needs was cleared away.
    Collected = "collected",
    /// An agent's text came without a judgement.
    NotJudged = "not_judged",
    /// An agent's text came without the vectors that it is compared by.
    NotCompared = "not_compared",
    /// An agent's text breaks rules.
    RuleBroken = "rule_broken",
    /// The route is for keys of another kind.
    WrongKind = "wrong_kind",
    /// A person wrote what the note says.
    NotAgents = "not_agents",
}

impl Row {
    /// Reads the columns of `api.reply`, in their order.
    pub(super) fn read(values: Vec<DbValue>) -> Option<Self> {
        let [outcome, body, bulk, user_id, limit, remaining, reset_us] = <[DbValue; 7]>::try_from(values).ok()?;
        let rate = match (limit, remaining, reset_us) {
            (DbValue::Int32(limit), DbValue::Int32(remaining), DbValue::Int64(reset_us)) => {
                Timestamp::from_micros(reset_us).map(|reset_at| Rate { limit, remaining, reset_at })
            }
            _ => None,
        };
        Some(Self { outcome: Outcome::parse(&text(outcome)?), body: text(body), bulk: text(bulk), user_id: text(user_id), rate })
    }

    /// What came of the statement.
    pub fn outcome(&self) -> Result<Outcome, Error> {
        self.outcome.ok_or_else(|| Error::internal("reading a reply", "an outcome that this component does not know"))
    }

    /// The small JSON value of the reply.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let body = self.body.as_deref().unwrap_or("null");
        // The error's text could quote the value; its place says enough.
        serde_json::from_str(body)
            .map_err(|wrong| Error::internal("reading a reply", format!("not the expected JSON at column {}", wrong.column())))
    }

    /// The replies that make up this one, one for each item of a batch.
    pub fn rows(&self) -> Result<Vec<Self>, Error> {
        #[derive(Deserialize)]
        struct Item {
            outcome: String,
            body: Option<String>,
        }
        let items: Vec<Item> = self.body()?;
        let row = |item: Item| Self { outcome: Outcome::parse(&item.outcome), body: item.body, bulk: None, user_id: None, rate: None };
        Ok(items.into_iter().map(row).collect())
    }

    /// The small JSON value as text, to be handed back unread.
    pub fn text(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }

    /// The large JSON text of the reply.
    pub fn bulk(&mut self) -> String {
        self.bulk.take().unwrap_or_default()
    }

    /// The error for an outcome that means the same on every route.
    pub fn refusal(&self) -> Error {
        match self.outcome {
            Some(Outcome::Unauthorized) => Error::Unauthorized,
            Some(Outcome::WrongWorkspace) => Error::WrongWorkspace,
            Some(Outcome::MissingScope) => match self.body.as_deref().map(Scope::parse) {
                Some(Ok(scope)) => Error::MissingScope(scope),
                _ => Error::internal("reading a reply", "a scope that this component does not know"),
            },
            Some(Outcome::RateLimited) => self.rate_limited(),
            Some(Outcome::KeyReused) => Error::KeyReused,
            Some(Outcome::UnknownVersion) => self.body().map_or_else(|unreadable| unreadable, Error::UnknownVersion),
            Some(Outcome::OriginTaken) => self.body().map_or_else(|unreadable| unreadable, Error::OriginTaken),
            Some(Outcome::StorageFull) => Error::StorageFull,
            Some(Outcome::NotOwner) => Error::NotOwner,
            Some(Outcome::RuleBroken) => self.body().map_or_else(|unreadable| unreadable, Error::RuleBroken),
            other => Error::internal("reading a reply", format!("unexpected outcome {other:?}")),
        }
    }

    /// The error for an outcome of writing a note that means the same on every route.
    pub fn note_refusal(&self, note_id: Option<NoteId>, folder_id: Option<FolderId>) -> Error {
        let refusal = match (self.outcome, note_id, folder_id) {
            (Some(Outcome::NotFound), Some(note_id), _) => Ok(Error::NoNote(note_id)),
            (Some(Outcome::NoFolder), _, Some(folder_id)) => Ok(Error::NoFolder(folder_id)),
            (Some(Outcome::Gone), ..) => self.body().map(Error::Gone),
            (Some(Outcome::NamesNoVersion), ..) => Ok(Error::AgentNamesNoVersion),
            (Some(Outcome::VersionMismatch), ..) => self.body().map(Error::VersionMismatch),
            (Some(Outcome::PathTaken), ..) => self.body().map(Error::PathTaken),
            _ => Ok(self.refusal()),
        };
        refusal.unwrap_or_else(|unreadable| unreadable)
    }

    fn rate_limited(&self) -> Error {
        let Some(rate) = self.rate else {
            return Error::internal("reading a reply", "a refused rate without its numbers");
        };
        let now = Timestamp::from_system(SystemTime::now()).map_or(0, Timestamp::micros);
        let wait_us = (rate.reset_at.micros() - now).max(0);
        // Rounded up, so that a client that waits exactly this long is not refused again.
        Error::RateLimited { limit: rate.limit, retry_after: (wait_us / 1_000_000 + 1).min(65) }
    }
}

fn text(value: DbValue) -> Option<String> {
    match value {
        DbValue::Str(text) => Some(text),
        _ => None,
    }
}
