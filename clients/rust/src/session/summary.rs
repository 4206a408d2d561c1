//! What a sync did, for a person and for a program.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use noted_shared::domain::NotePath;
use serde::Serialize;

use super::{Progress, Report, Session};
use crate::api::Api;
use crate::engine::{Conflict, Event, State};
use crate::folder::Skipped;

/// A conflict that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenConflict {
    /// The path that is left as it is.
    pub path: NotePath,
    /// What stands against what.
    pub reason: &'static str,
    /// Somebody has said: later.
    pub deferred: bool,
}

/// What a sync did, or in a dry run would do.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// True when nothing was sent and nothing was written on purpose.
    pub dry_run: bool,
    /// Paths of new notes.
    pub created: Vec<NotePath>,
    /// Paths of changed notes.
    pub updated: Vec<NotePath>,
    /// Moved notes, from and to.
    pub renamed: Vec<(NotePath, NotePath)>,
    /// Paths of deleted notes.
    pub deleted: Vec<NotePath>,
    /// Files that were written because their notes changed on the server.
    pub received: Vec<NotePath>,
    /// Files that were moved for the same reason.
    pub received_renames: Vec<(NotePath, NotePath)>,
    /// Files that were removed for the same reason.
    pub received_deletes: Vec<NotePath>,
    /// Files that were equal on both sides.
    pub unchanged: usize,
    /// Left as they are until somebody decides.
    pub conflicts: Vec<OpenConflict>,
    /// Files that cannot become notes.
    pub skipped: Vec<Skipped>,
    /// Refused by the server.
    pub refused: Vec<Skipped>,
    /// Wall-clock time of the whole sync.
    pub seconds: f64,
}

impl Summary {
    /// Notes that were sent.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.created.len() + self.updated.len() + self.renamed.len() + self.deleted.len()
    }

    /// Files that were changed.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.received.len() + self.received_renames.len() + self.received_deletes.len()
    }

    /// True when nothing waits for somebody.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.refused.is_empty() && self.conflicts.iter().all(|conflict| conflict.deferred)
    }

    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Created { path } => self.created.push(path),
            Event::Updated { path } => self.updated.push(path),
            Event::Renamed { from, path } => self.renamed.push((from, path)),
            Event::Deleted { path } => self.deleted.push(path),
            Event::Received { path } => self.received.push(path),
            Event::ReceivedMove { from, path } => self.received_renames.push((from, path)),
            Event::ReceivedDelete { path } => self.received_deletes.push(path),
            Event::Refused { path, reason } => self.refused.push(Skipped { path: path.to_string(), reason }),
            Event::Conflict { .. } | Event::Resolved { .. } => {}
        }
    }

    fn finish(&mut self, session: &Session, started: Instant) {
        self.skipped = session.skipped().to_vec();
        let touched = self.created.len() + self.updated.len() + self.renamed.len() + self.received.len();
        self.count(session.state(), touched, started);
    }

    pub(super) fn finish_preview(&mut self, state: &State, started: Instant) {
        let touched = self.updated.len() + self.renamed.len() + self.deleted.len() + self.received.len();
        self.count(state, touched, started);
        let is_open = |path: &NotePath| state.conflicts.contains_key(path);
        self.created.retain(|path| !is_open(path));
        self.updated.retain(|path| !is_open(path));
        self.deleted.retain(|path| !is_open(path));
    }

    fn count(&mut self, state: &State, touched: usize, started: Instant) {
        // Answers come in any order.
        for paths in [&mut self.created, &mut self.updated, &mut self.deleted, &mut self.received, &mut self.received_deletes] {
            paths.sort();
        }
        self.renamed.sort();
        self.received_renames.sort();
        self.conflicts = open_conflicts(state);
        self.unchanged = state.entries.len().saturating_sub(touched);
        self.seconds = started.elapsed().as_secs_f64();
    }
}

/// The conflicts of a folder, by path.
#[must_use]
pub fn open_conflicts(state: &State) -> Vec<OpenConflict> {
    let open = |(path, conflict): (&NotePath, &Conflict)| OpenConflict {
        path: path.clone(),
        reason: conflict.kind.sentence(),
        deferred: conflict.deferred,
    };
    state.conflicts.iter().map(open).collect()
}

/// Syncs a folder once.
///
/// # Errors
/// As [`Session::sync`].
pub async fn sync(api: &Api, folder: &Path, (merge, allows_delete): (bool, bool), report: Report<'_>) -> Result<Summary> {
    let started = Instant::now();
    let mut session = Session::open(api.clone(), folder, merge)?.allowing_delete(allows_delete);
    let mut summary = Summary::default();
    session
        .sync(&mut |progress| match progress {
            Progress::Happened(event) => summary.take(event),
            sending @ Progress::Sending(..) => report(sending),
        })
        .await?;
    summary.finish(&session, started);
    Ok(summary)
}
