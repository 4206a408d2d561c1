//! Interleaved rounds: every server does the same in turn, so that what else the machine does meets all of them alike.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::load::{Numbers, Sample, Script, closed_loop, open_loop};
use crate::options::Options;
use crate::process;
use crate::scenario::{Contender, Scenario, Work};
use crate::tenants::Tenants;

/// What rounds need besides their scenario.
pub(crate) struct Setting<'a> {
    pub(crate) options: &'a Options,
    pub(crate) tenants: &'a mut Tenants,
    pub(crate) numbers: &'a Arc<Numbers>,
    /// The database server's first process, if it is ours.
    pub(crate) database: Option<u32>,
}

/// What one server did in all rounds of one scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) scenario: &'static str,
    pub(crate) server: &'static str,
    /// Requests a second, one for each round.
    pub(crate) rates: Vec<f64>,
    /// The median of the rounds' ratios to the first server of the scenario.
    pub(crate) ratio: f64,
    /// CPU time of a request, of all that took part, at the first server over the same here: the ratio of a machine that does nothing
    /// else, hardly moved by one that does.
    pub(crate) cpu_ratio: Option<f64>,
    /// Medians of the rounds, in milliseconds.
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    /// CPU time of a request over all rounds, in microseconds: in the server, in the database, and in the load.
    pub(crate) server_cpu_us: Option<f64>,
    pub(crate) database_cpu_us: Option<f64>,
    pub(crate) load_cpu_us: f64,
    /// The load's part of one processor.
    pub(crate) load_share: f64,
}

struct Round {
    sample: Sample,
    spent: Spent,
}

/// CPU time in microseconds.
#[derive(Clone, Copy)]
struct Spent {
    server: Option<u64>,
    database: Option<u64>,
    load: u64,
}

/// Measures a scenario. `progress` is told what is going on.
pub(crate) async fn run(scenario: &Scenario, setting: &mut Setting<'_>, progress: impl Fn(String)) -> Result<Vec<Figures>> {
    let (work, options) = (scenario.work, setting.options);
    for contender in &scenario.contenders {
        progress(format!("{}: warming up {}", work.name(), contender.name));
        round(work, contender, setting, options.warm_up()).await.with_context(|| describe(work, contender))?;
    }
    let mut rounds: Vec<Vec<Round>> = scenario.contenders.iter().map(|_| Vec::new()).collect();
    for number in 0..options.rounds() {
        for (contender, done) in scenario.contenders.iter().zip(&mut rounds) {
            progress(format!("{}: round {} of {}, {}", work.name(), number + 1, options.rounds(), contender.name));
            done.push(round(work, contender, setting, options.round()).await.with_context(|| describe(work, contender))?);
        }
    }
    let reference = rounds.first().context("a scenario needs a server")?;
    Ok(scenario.contenders.iter().zip(&rounds).map(|(contender, rounds)| figures(work, contender, rounds, reference)).collect())
}

fn describe(work: Work, contender: &Contender) -> String {
    format!("{}, {}", work.name(), contender.name)
}

async fn round(work: Work, contender: &Contender, setting: &mut Setting<'_>, duration: Duration) -> Result<Round> {
    let script = work.script(&contender.target, setting.tenants, setting.numbers).await?;
    let before = Spent::so_far(contender, setting.database)?;
    let sample = load(work, contender, &script, setting.options.connections, duration).await?;
    let spent = Spent::so_far(contender, setting.database)?.since(&before);
    Ok(Round { sample, spent })
}

async fn load(work: Work, contender: &Contender, script: &Arc<Script>, connections: u16, duration: Duration) -> Result<Sample> {
    match work.rate() {
        Some(rate) => open_loop(&contender.target, script, connections, rate, duration).await,
        None => closed_loop(&contender.target, script, connections, duration).await,
    }
}

impl Spent {
    fn so_far(contender: &Contender, database: Option<u32>) -> Result<Self> {
        Ok(Self {
            server: contender.process_id.map(process::cpu_us).transpose()?,
            database: database.map(process::cluster_cpu_us).transpose()?,
            load: process::own_cpu_us()?,
        })
    }

    /// All of it, if the server's is known; a database that is not ours is left out at every server alike.
    fn total(&self) -> Option<u64> {
        Some(self.server? + self.database.unwrap_or(0) + self.load)
    }

    fn since(&self, before: &Self) -> Self {
        let difference = |now: Option<u64>, before: Option<u64>| Some(now?.saturating_sub(before?));
        Self {
            server: difference(self.server, before.server),
            database: difference(self.database, before.database),
            load: self.load.saturating_sub(before.load),
        }
    }
}

fn figures(work: Work, contender: &Contender, rounds: &[Round], reference: &[Round]) -> Figures {
    let rates: Vec<f64> = rounds.iter().map(|round| round.sample.rate()).collect();
    let requests: u64 = rounds.iter().map(|round| round.sample.requests()).sum();
    let seconds: f64 = rounds.iter().map(|round| round.sample.elapsed.as_secs_f64()).sum();
    let percentile = |share: f64| median(rounds.iter().map(|round| round.sample.percentile_ms(share)));
    let load_cpu_us = cpu_of_a_request(rounds, |spent| Some(spent.load)).unwrap_or_default();
    Figures {
        scenario: work.name(),
        server: contender.name,
        // Neighbours in time are compared, so that a slow minute of the machine does not count against one of them.
        ratio: median(rates.iter().zip(reference).map(|(rate, reference)| rate / reference.sample.rate())),
        cpu_ratio: cpu_of_a_request(reference, Spent::total)
            .zip(cpu_of_a_request(rounds, Spent::total))
            .map(|(reference, own)| reference / own),
        p50_ms: percentile(0.5),
        p95_ms: percentile(0.95),
        p99_ms: percentile(0.99),
        server_cpu_us: cpu_of_a_request(rounds, |spent| spent.server),
        database_cpu_us: cpu_of_a_request(rounds, |spent| spent.database),
        load_cpu_us,
        load_share: load_cpu_us / 1e6 * requests as f64 / seconds,
        rates,
    }
}

/// Microseconds for each request over all rounds; none where it is not known.
fn cpu_of_a_request(rounds: &[Round], spent: impl Fn(&Spent) -> Option<u64>) -> Option<f64> {
    let requests: u64 = rounds.iter().map(|round| round.sample.requests()).sum();
    let spent: u64 = rounds.iter().map(|round| spent(&round.spent)).sum::<Option<_>>()?;
    Some(spent as f64 / requests as f64)
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => f64::NAN,
        (count, middle) if count % 2 == 1 => values[middle],
        (_, middle) => (values[middle - 1] + values[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        for (values, expected) in [(&[3.0][..], 3.0), (&[9.0, 1.0, 5.0], 5.0), (&[4.0, 1.0, 3.0, 2.0], 2.5)] {
            assert_eq!(median(values.iter().copied()), expected);
        }
        assert!(median([]).is_nan());
    }
}
