//! The report for people.

use anyhow::Result;
use noted::output;

use super::Report;
use super::goals::{Goal, Wanted};
use crate::growth::Growth;
use crate::rounds::{Figures, median};
use crate::search::PeerFigures;
use crate::startup::Start;

const HEADER: [&str; 10] =
    ["scenario", "server", " requests/s", "    min - max", "ratio", "by CPU", "   p50/p95/p99 ms", "  CPU µs", "   database", "    load"];

impl Report {
    /// Prints everything to standard output.
    pub(crate) fn print(&self) -> Result<()> {
        let Self { rounds, round_seconds, connections, processors, taken_at, .. } = self;
        output::line("")?;
        output::line(&format!(
            "{taken_at}, {processors} processors: {rounds} rounds of {round_seconds} s, {connections} requests in flight"
        ))?;
        if self.is_smoke_run {
            output::line("A smoke run: these numbers mean nothing.")?;
        }
        if !self.figures.is_empty() {
            output::line("")?;
            let rows: Vec<_> = self.figures.iter().map(row).collect();
            output::table(HEADER, &rows)?;
            output::line("")?;
            for line in [
                "Medians of the rounds. Ratio: to the scenario's first server, round by round. By CPU: the same from the CPU time of all that take",
                "part, which tells more on a busy machine. CPU: microseconds for each request, in the server, in the database, and in the load,",
                "whose part of one processor is in brackets.",
            ] {
                output::line(line)?;
            }
        }
        self.print_rest()?;
        self.print_growth()?;
        self.print_search()?;
        self.print_goals()
    }

    fn print_rest(&self) -> Result<()> {
        output::line("")?;
        for (which, start) in [("first start ", self.first_start), ("second start", self.second_start)] {
            if let Some(start) = start {
                let Start { postgres_s, schema_s, host_s } = start;
                let total = start.total_s();
                output::line(&format!("{which}  {total:.2} s: PostgreSQL {postgres_s:.2} s, schema {schema_s:.2} s, host {host_s:.2} s"))?;
            }
        }
        if let Some(sync) = self.sync {
            let size = output::size(sync.bytes);
            let (documents, seconds, again) = (sync.documents, sync.seconds, sync.again_seconds);
            output::line(&format!(
                "sync          {documents} documents, {size}, in {seconds:.2} s; again, with nothing to do, {again:.2} s"
            ))?;
        }
        if let Some(batch) = &self.batch {
            let (documents, requests, size) = (batch.documents, batch.requests, output::size(batch.bytes as u64));
            let (seconds, copy, ratio) = (batch.batch_seconds, batch.copy_seconds, batch.ratio);
            output::line(&format!(
                "batch         {documents} documents, {size}, {requests} requests, in {seconds:.2} s; COPY of the same rows {copy:.2} s, ratio {ratio:.2}"
            ))?;
        }
        if let Some(large) = self.large_update {
            let (updates, p50, p95) = (large.updates, large.p50_ms, large.p95_ms);
            output::line(&format!("large update  1 MiB, {updates} times: p50 {p50:.0} ms, p95 {p95:.0} ms"))?;
        }
        for merge in &self.merges {
            let (case, plain, merged, above) = (merge.case, merge.plain_p95_ms, merge.merged_p95_ms, merge.above_ms());
            let what = if merge.is_clean { "merged" } else { "a conflict" };
            output::line(&format!("merge         {case}: {what}, p95 {merged:.0} ms, without {plain:.0} ms, difference {above:.0} ms"))?;
        }
        for memory in &self.memory {
            output::line(&format!("memory        {}, {}: {:.1} MiB", memory.server, memory.when, memory.bytes as f64 / 1_048_576.0))?;
        }
        let sizes: Vec<String> = self.components.iter().map(|c| format!("{} {:.0} KiB", c.name, c.bytes as f64 / 1024.0)).collect();
        output::line(&format!("components    {}", sizes.join(", ")))?;
        for note in &self.notes {
            output::line(&format!("note          {note}"))?;
        }
        for failure in &self.failures {
            output::line(&format!("FAILED        {failure}"))?;
        }
        Ok(())
    }

    fn print_search(&self) -> Result<()> {
        let Some(search) = &self.search else { return Ok(()) };
        for figures in &search.questions {
            let all =
                |values: &[f64], digits: usize| values.iter().map(|value| format!("{value:.digits$}")).collect::<Vec<_>>().join(" / ");
            output::line(&format!(
                "{:<13} {:?} chunks: p50 {} ms, p95 {} ms, exponent {:.2}; of the same statements in SQL {}",
                figures.mode,
                figures.sizes,
                all(&figures.p50_ms, 1),
                all(&figures.p95_ms, 1),
                figures.exponent,
                all(&figures.of_sql, 2)
            ))?;
        }
        for recall in &search.recall {
            output::line(&format!(
                "recall@10     {:.3} where {:.1} % of the notes pass the filter",
                recall.recall_at_10,
                recall.selectivity * 100.0
            ))?;
        }
        output::line(&format!("at a rate     hybrid questions at 20/s in the largest workspace: p95 {:.1} ms", search.at_rate_p95_ms))?;
        output::line(&format!("asked again   p95 {:.1} ms", search.again_p95_ms))?;
        if let Some(rate) = search.questions_per_second() {
            output::line(&format!("peer          Noted, by vectors alone, over HTTP: {rate:.0} questions/s"))?;
        }
        for peer in &search.peers {
            let PeerFigures { name, build_s, questions_per_second, recall_at_10 } = peer;
            output::line(&format!(
                "peer          {name}: {questions_per_second:.0} questions/s, recall@10 {recall_at_10:.3}, built in {build_s:.0} s"
            ))?;
        }
        Ok(())
    }

    fn print_growth(&self) -> Result<()> {
        if self.growth.is_empty() {
            return Ok(());
        }
        output::line("")?;
        let rows: Vec<_> = self.growth.iter().map(growth_row).collect();
        output::table(["growth", "notes", "p50 ms", "pages touched", "exponent", "read by index", "read from end to end"], &rows)
    }

    fn print_goals(&self) -> Result<()> {
        output::line("")?;
        let rows: Vec<_> = self.goals.iter().map(goal_row).collect();
        output::table(["to be reached", "wanted", "seen", ""], &rows)
    }
}

impl Figures {
    /// One line of progress.
    pub(crate) fn sentence(&self) -> String {
        let (rate, ratio) = (median(self.rates.iter().copied()), self.ratio);
        format!("{}, {}: {rate:.0}/s, ratio {ratio:.2}, p95 {:.1} ms", self.scenario, self.server, self.p95_ms)
    }
}

fn row(figures: &Figures) -> [String; 10] {
    let rates = || figures.rates.iter().copied();
    let (least, most) = rates().fold((f64::INFINITY, 0.0_f64), |(least, most), rate| (least.min(rate), most.max(rate)));
    let cpu = |spent: Option<f64>, width| spent.map_or_else(|| format!("{:>width$}", "-"), |us| format!("{us:>width$.1}"));
    [
        figures.scenario.to_owned(),
        figures.server.to_owned(),
        format!("{:>11.0}", median(rates())),
        format!("{:>13}", format!("{least:.0} - {most:.0}")),
        format!("{:>5.2}", figures.ratio),
        figures.cpu_ratio.map_or_else(|| format!("{:>6}", "-"), |ratio| format!("{ratio:>6.2}")),
        format!("{:>17}", format!("{:.1}/{:.1}/{:.1}", figures.p50_ms, figures.p95_ms, figures.p99_ms)),
        cpu(figures.server_cpu_us, 8),
        cpu(figures.database_cpu_us, 11),
        format!("{:>8.1} ({:.0} %)", figures.load_cpu_us, figures.load_share * 100.0),
    ]
}

fn growth_row(growth: &Growth) -> [String; 7] {
    fn all<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
        values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(" / ")
    }
    [
        growth.operation.to_owned(),
        all(&growth.sizes),
        all(growth.p50_ms.iter().map(|ms| format!("{ms:.2}"))),
        all(&growth.pages),
        format!("{:.3}", growth.exponent),
        growth.index_scans.join(", "),
        if growth.sequential_scans.is_empty() { "nothing".to_owned() } else { growth.sequential_scans.join(", ") },
    ]
}

fn goal_row(goal: &Goal) -> [String; 4] {
    let number = |value: f64| format!("{} {}", round(value), goal.unit).trim_end().to_owned();
    let wanted = match goal.wanted {
        Wanted::AtLeast(bound) => format!("at least {}", number(bound)),
        Wanted::Under(bound) => format!("under {}", number(bound)),
    };
    let verdict = match goal.reached {
        Some(true) => "reached",
        Some(false) => "MISSED",
        None => "not measured",
    };
    [goal.what.to_owned(), wanted, goal.seen.map_or_else(|| "-".to_owned(), number), verdict.to_owned()]
}

/// Two digits behind the point for small numbers, none for large ones.
fn round(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::round;

    #[test]
    fn numbers_are_as_exact_as_they_mean_to_be() {
        assert_eq!((round(0.2), round(0.456), round(199.6)), ("0.20".to_owned(), "0.46".to_owned(), "200".to_owned()));
    }
}
