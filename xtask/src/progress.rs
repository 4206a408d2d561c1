//! One line a step: a bar or spinner while it runs on a terminal, one plain line when it ends everywhere else.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A step that is under way. Dropping it unfinished (an error) leaves no line behind; the error says what happened.
pub(crate) struct Step {
    bar: ProgressBar,
    title: String,
    started: Instant,
}

impl Step {
    /// A step of unknown length.
    pub(crate) fn start(title: impl Into<String>) -> Self {
        Self::with_bar(title.into(), ProgressBar::new_spinner(), "  {spinner} {prefix} {msg:.dim} {elapsed:.dim}")
    }

    /// A step of `total` parts.
    pub(crate) fn of(title: impl Into<String>, total: u64) -> Self {
        Self::with_bar(title.into(), ProgressBar::new(total), "  {spinner} {prefix} [{bar:24}] {pos}/{len} {msg:.dim} {elapsed:.dim}")
    }

    fn with_bar(title: String, bar: ProgressBar, template: &str) -> Self {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.set_prefix(title.clone());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, title, started: Instant::now() }
    }

    /// One more part is done; `what` names it.
    pub(crate) fn advance(&self, what: &str) {
        self.bar.inc(1);
        self.bar.set_message(what.to_owned());
    }

    /// Ends the step with one line that stays.
    pub(crate) fn done(self, outcome: &str) {
        self.bar.finish_and_clear();
        eprintln!("  ✓ {} ({outcome}, {:.1} s)", self.title, self.started.elapsed().as_secs_f64());
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
