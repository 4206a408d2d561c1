//! What a run found: for people as tables, for programs as JSON, and for both what was to be reached and whether it was.

mod goals;
mod tables;

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use noted_shared::domain::Timestamp;
use serde::Serialize;

use crate::batch::BatchFigures;
use crate::growth::Growth;
use crate::large::LargeFigures;
use crate::merging::MergeFigures;
use crate::options::Options;
use crate::rounds::Figures;
use crate::search::SearchReport;
use crate::startup::Start;
use crate::sync::SyncFigures;
use goals::Goal;

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// When, in UTC.
    taken_at: Timestamp,
    processors: usize,
    rounds: u32,
    round_seconds: f64,
    connections: u16,
    /// True when the run was too short for its numbers to mean anything.
    is_smoke_run: bool,
    pub(crate) goals: Vec<Goal>,
    pub(crate) figures: Vec<Figures>,
    pub(crate) sync: Option<SyncFigures>,
    pub(crate) batch: Option<BatchFigures>,
    pub(crate) large_update: Option<LargeFigures>,
    pub(crate) merges: Vec<MergeFigures>,
    pub(crate) growth: Vec<Growth>,
    pub(crate) search: Option<SearchReport>,
    /// With everything to be made: cluster, schema, compiled modules.
    pub(crate) first_start: Option<Start>,
    /// With everything there.
    pub(crate) second_start: Option<Start>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) components: Vec<Component>,
    /// What was left out, and why.
    pub(crate) notes: Vec<String>,
    /// What could not be measured.
    pub(crate) failures: Vec<String>,
}

/// Memory that a server had in use.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) server: &'static str,
    pub(crate) when: &'static str,
    pub(crate) bytes: u64,
}

/// The size of a module.
#[derive(Debug, Serialize)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

impl Report {
    /// A report that says how the run is done, and nothing yet of what it found.
    pub(crate) fn new(options: &Options) -> Result<Self> {
        Ok(Self {
            taken_at: Timestamp::from_system(SystemTime::now()).context("the clock is far off")?,
            processors: std::thread::available_parallelism()?.get(),
            rounds: options.rounds(),
            round_seconds: options.round().as_secs_f64(),
            connections: options.connections,
            is_smoke_run: options.quick,
            goals: Vec::new(),
            figures: Vec::new(),
            sync: None,
            batch: None,
            large_update: None,
            merges: Vec::new(),
            growth: Vec::new(),
            search: None,
            first_start: None,
            second_start: None,
            memory: Vec::new(),
            components: Vec::new(),
            notes: Vec::new(),
            failures: Vec::new(),
        })
    }

    /// Holds what was found against what was to be reached.
    pub(crate) fn conclude(&mut self) {
        self.goals = goals::of(self);
    }

    /// Writes the numbers for programs.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        fs::write(path, serde_json::to_vec_pretty(self)?).with_context(|| format!("cannot write {}", path.display()))
    }
}
