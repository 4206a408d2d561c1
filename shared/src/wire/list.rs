//! A page of notes.

use super::NoteOut;
use crate::domain::Cursor;
use serde::{Deserialize, Serialize};

/// The answer to `GET /v1/ide-sync/list`. `N` is how the page holds its notes: read by clients, passed on as text by the component.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NoteList<N = Vec<NoteOut>> {
    /// The notes of this page, in the order of their ids.
    pub notes: N,
    /// How many notes match, on all pages.
    pub total: i64,
    /// Whether more follow. A page can be shorter than its limit and yet not the last: large notes end it early.
    pub has_more: bool,
    /// Send it as `cursor` to get the next page; absent on the last one.
    pub next_cursor: Option<Cursor>,
}
