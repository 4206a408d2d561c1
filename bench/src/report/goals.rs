//! What was to be reached. The bench says whether it was; it is for people to decide what follows.

use serde::Serialize;

use super::Report;
use crate::merging::MergeFigures;
use crate::scenario::Work;
use crate::startup::Start;

const MIB: f64 = 1024.0 * 1024.0;

/// One thing to be reached.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) what: &'static str,
    pub(crate) wanted: Wanted,
    pub(crate) unit: &'static str,
    /// What was found; none if it was not measured.
    pub(crate) seen: Option<f64>,
    pub(crate) reached: Option<bool>,
}

/// A bound on a number.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    AtLeast(f64),
    Under(f64),
}

impl Goal {
    fn new(what: &'static str, wanted: Wanted, unit: &'static str, seen: Option<f64>) -> Self {
        let reached = seen.map(|seen| match wanted {
            Wanted::AtLeast(bound) => seen >= bound,
            Wanted::Under(bound) => seen < bound,
        });
        Self { what, wanted, unit, seen, reached }
    }
}

/// Every goal, with what this run has to say about it.
pub(super) fn of(report: &Report) -> Vec<Goal> {
    let server = |work: Work| report.figures.iter().rfind(|figures| figures.scenario == work.name());
    let ratio = |work| server(work).map(|figures| figures.ratio);
    let idle = report.memory.iter().find(|memory| memory.when == "idle").map(|memory| memory.bytes as f64 / MIB);
    let largest = report.components.iter().map(|component| component.bytes).max().map(|bytes| bytes as f64 / MIB);
    // A part of the corpus says nothing about the whole.
    let whole_corpus = report.sync.filter(|_| !report.is_smoke_run).map(|sync| sync.seconds);
    let whole_batch = report.batch.as_ref().filter(|_| !report.is_smoke_run);
    let steepest = report.growth.iter().map(|growth| growth.exponent).max_by(f64::total_cmp).filter(|_| !report.is_smoke_run);
    let scanned = report.growth.iter().map(|growth| growth.sequential_scans.len()).sum::<usize>();
    let scanned = (!report.growth.is_empty() && !report.is_smoke_run).then_some(scanned as f64);
    let slowest_merge = report.merges.iter().map(MergeFigures::above_ms).max_by(f64::total_cmp).filter(|_| !report.is_smoke_run);
    let search = report.search.as_ref().filter(|_| !report.is_smoke_run);
    let asking = |mode: &str| search.and_then(|search| search.questions.iter().find(|figures| figures.mode == mode));
    let recall = search.and_then(|search| search.recall.iter().map(|recall| recall.recall_at_10).min_by(f64::total_cmp));
    use Wanted::{AtLeast, Under};
    vec![
        Goal::new("no-op, of bare hyper", AtLeast(0.2), "", ratio(Work::Noop)),
        Goal::new("create over 16 workspaces, of the twin", AtLeast(0.5), "", ratio(Work::CreateSpread)),
        Goal::new("list of 100, of the twin", AtLeast(0.6), "", ratio(Work::List)),
        Goal::new("100 changes, of the twin", AtLeast(0.5), "", ratio(Work::Changes)),
        Goal::new("create at 50/s, p95", Under(200.0), "ms", server(Work::CreateAtRate).map(|figures| figures.p95_ms)),
        Goal::new("sync of the corpus", Under(15.0), "s", whole_corpus),
        Goal::new("the corpus in batches", Under(4.0), "s", whole_batch.map(|batch| batch.batch_seconds)),
        Goal::new("rows of batches, of COPY", AtLeast(0.3), "", whole_batch.map(|batch| batch.ratio)),
        Goal::new("update of 1 MiB, p95", Under(500.0), "ms", report.large_update.map(|large| large.p95_ms)),
        Goal::new("slowest merge of 1 MiB above an update, p95", Under(250.0), "ms", slowest_merge),
        Goal::new("time over notes, largest exponent", Under(0.1), "", steepest),
        Goal::new("questions over chunks, exponent", Under(0.25), "", asking("hybrid").map(|figures| figures.exponent)),
        Goal::new("hybrid, of the same SQL", Under(1.3), "", asking("hybrid").and_then(|figures| figures.of_sql.last().copied())),
        Goal::new("words at 10,000 chunks, p95", Under(60.0), "ms", asking("text").and_then(|figures| figures.p95_ms.get(1).copied())),
        Goal::new("hybrid at 20/s and 100,000 chunks, p95", Under(500.0), "ms", search.map(|search| search.at_rate_p95_ms)),
        Goal::new("a question asked again, p95", Under(10.0), "ms", search.map(|search| search.again_p95_ms)),
        Goal::new("least recall@10 of vectors", AtLeast(0.95), "", recall),
        Goal::new("tables read from end to end", Under(1.0), "", scanned),
        Goal::new("second start until it serves", Under(3.0), "s", report.second_start.as_ref().map(Start::total_s)),
        Goal::new("largest component", Under(1.0), "MiB", largest),
        Goal::new("host's memory, idle", Under(120.0), "MiB", idle),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Goal, Wanted};

    #[test]
    fn what_was_not_measured_is_neither_reached_nor_missed() {
        let reached = |wanted, seen| Goal::new("", wanted, "", seen).reached;
        assert_eq!(reached(Wanted::AtLeast(0.5), Some(0.5)), Some(true));
        assert_eq!(reached(Wanted::AtLeast(0.5), Some(0.49)), Some(false));
        assert_eq!(reached(Wanted::Under(3.0), Some(3.0)), Some(false));
        assert_eq!(reached(Wanted::Under(3.0), None), None);
    }
}
