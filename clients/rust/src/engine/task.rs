//! What the engine asks for and is told, and what it says has happened.

use noted_shared::domain::{ChangeCursor, NotePath};
use serde::Serialize;

use super::disk::Effect;
use super::state::{Pending, Remote};

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Look at the folder; then [`super::Engine::scanned`].
    Scan,
    /// Keep the text of each of these requests, as the file at its path has it now; then [`super::Engine::kept`].
    Keep(Vec<Pending>),
    /// Save the state; then [`super::Engine::saved`].
    Save,
    /// Send these requests, in any order; tell each answer to [`super::Engine::answered`]. If some stay without an answer, stop.
    Send(Vec<Pending>),
    /// Ask for what changed; then [`super::Engine::page`] or [`super::Engine::resync`].
    Ask(PageRequest),
    /// Do this on the disk, in this order; then [`super::Engine::applied`], [`super::Engine::changed`] or [`super::Engine::failed`].
    Apply(Vec<Effect>),
    /// Folder and server agree, as far as they can.
    Done,
}

/// What to ask of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// From where; the beginning without one.
    pub cursor: Option<ChangeCursor>,
    /// Whether the texts are needed.
    pub include_content: bool,
}

/// What the feed answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The changes, in their order.
    pub changes: Vec<Remote>,
    /// From where to go on.
    pub next_cursor: ChangeCursor,
    /// Whether more follow now.
    pub has_more: bool,
}

/// Something that happened, for the person who watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is its name, and the path it is about")]
pub enum Event {
    Created { path: NotePath },
    Updated { path: NotePath },
    Renamed { from: NotePath, path: NotePath },
    Deleted { path: NotePath },
    Received { path: NotePath },
    ReceivedMove { from: NotePath, path: NotePath },
    ReceivedDelete { path: NotePath },
    Conflict { path: NotePath, reason: &'static str },
    Resolved { path: NotePath },
    Refused { path: NotePath, reason: String },
}
