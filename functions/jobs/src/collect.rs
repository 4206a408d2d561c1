//! Clearing away what nobody needs any more.
//!
//! What that is, and after what time, is said in `sync.collect` and `search.prune_answers`; here is said how much at a time. A workspace is taken,
//! cleared by one short transaction, and put back in line if more is left: so no writer waits long, and no workspace holds up another.

use noted_shared::domain::WorkspaceId;
use noted_shared::edge::{Outcome, Statement, db};
use noted_shared::error::Error;
use noted_shared::{limits, params};
use serde::{Deserialize, Serialize};
use std::time::Instant;

const BEGIN: Statement = Statement::new("taking a workspace to clear", "select * from api.jobs_collect_begin($1)");
const COLLECT: Statement = Statement::new("clearing a workspace", "select * from api.jobs_collect($1, $2, $3)");

/// Notes and conflicts of one transaction, with their texts; a note may have ten old ones.
const TEXTS_MAX: i32 = 100;
/// Other rows of one transaction.
const ROWS_MAX: i32 = 2000;
/// Old answers of one transaction.
const ANSWERS_MAX: i32 = 5000;

/// What was cleared away.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Round {
    /// Tombstones, with their older texts.
    tombstones: i64,
    /// Conflicts that went to the archive.
    conflicts: i64,
    /// Remembered answers to requests.
    requests: i64,
    /// Attempts of agents.
    attempts: i64,
    /// Counters of requests.
    counters: i64,
    /// Workspaces in which nothing is left.
    cleared: usize,
    /// Whether no workspace is due.
    is_idle: bool,
}

#[derive(Deserialize)]
struct Begun {
    workspace_id: Option<WorkspaceId>,
    answers: i32,
}

#[derive(Deserialize)]
struct Collected {
    tombstones: i64,
    conflicts: i64,
    requests: i64,
    attempts: i64,
    counters: i64,
    has_more: bool,
}

/// Works until nothing is due or the time is over.
pub(crate) async fn round() -> Result<Round, Error> {
    let started = Instant::now();
    let mut round = Round::default();
    while started.elapsed() < limits::ROUND_TIME_MAX {
        let begun: Begun = db::one(&BEGIN, &|| params![ANSWERS_MAX]).await?.body()?;
        match begun.workspace_id {
            Some(workspace_id) => round.add(&collect(workspace_id).await?),
            None if begun.answers < ANSWERS_MAX => {
                round.is_idle = true;
                break;
            }
            None => {}
        }
    }
    Ok(round)
}

async fn collect(workspace_id: WorkspaceId) -> Result<Collected, Error> {
    let row = db::one(&COLLECT, &|| params![workspace_id, TEXTS_MAX, ROWS_MAX]).await?;
    if row.outcome()? == Outcome::Collected { row.body() } else { Err(row.refusal()) }
}

impl Round {
    fn add(&mut self, collected: &Collected) {
        self.tombstones += collected.tombstones;
        self.conflicts += collected.conflicts;
        self.requests += collected.requests;
        self.attempts += collected.attempts;
        self.counters += collected.counters;
        self.cleared += usize::from(!collected.has_more);
    }
}
