//! The shapes of requests and answers, as they travel.
//!
//! Components and clients share them, so that neither can drift. A client reads an answer as `Envelope<NoteReply>`; fields that it
//! does not know are ignored, because new ones may come within a version.

pub mod changes;
pub mod envelope;
pub mod health;
pub mod list;
pub mod note;
pub mod status;

pub use changes::{Change, ChangeList, FullResync, ResyncReason};
pub use envelope::{Envelope, Meta, Problem};
pub use health::{Check, Checks, Health, State};
pub use list::NoteList;
pub use note::{Conflict, NoteDeleted, NoteIn, NoteOut, NoteReply, NoteUpdate, NotedVersion, PathTaken, VersionMismatch};
pub use status::SyncStatus;
