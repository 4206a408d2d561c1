//! What became of each case, as a table for people and as JSON for programs.

use super::case::Case;
use serde::Serialize;
use std::fmt;

/// One case after it ran.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The file of the list that the case is from.
    pub group: String,
    /// The sentence that should be true.
    pub name: String,
    /// Where the host's answer parted from it; empty when it passed.
    pub problems: Vec<String>,
}

/// The whole run, in the order of the list.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Every case that was wanted.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    pub(super) fn add(&mut self, case: &Case, problems: Vec<String>) {
        self.outcomes.push(Outcome { group: case.group.clone(), name: case.name.clone(), problems });
    }

    /// How many cases passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.outcomes.len() - self.failed()
    }

    /// How many cases failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| !outcome.problems.is_empty()).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut group = None;
        for outcome in &self.outcomes {
            if group != Some(&outcome.group) {
                writeln!(formatter, "\n{}", outcome.group)?;
                group = Some(&outcome.group);
            }
            writeln!(formatter, "  {} {}", if outcome.problems.is_empty() { "pass" } else { "FAIL" }, outcome.name)?;
            for problem in &outcome.problems {
                writeln!(formatter, "         {problem}")?;
            }
        }
        writeln!(formatter, "\n{} passed, {} failed", self.passed(), self.failed())
    }
}
