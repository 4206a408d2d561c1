//! The load: a closed loop for throughput, an open loop for latency.
//!
//! It runs on the machine that it measures, so it must cost little: requests are bytes made beforehand, responses are parsed only as far
//! as their length, and everything happens on one thread. What it costs nevertheless is measured and shown.

mod connection;
mod request;
mod target;

pub(crate) use connection::{Answer, Connection};
pub(crate) use request::{NUMBER, Request};
pub(crate) use target::Target;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A load that lasts this much longer than it should has got stuck.
const PATIENCE: Duration = Duration::from_secs(15);
/// Most requests of one load: what their latencies take must stay small beside the servers' memory.
const REQUESTS_MAX: usize = 4_000_000;
/// So much of a refusal is shown.
const REFUSAL_BYTES_MAX: usize = 300;

/// What a load found.
#[derive(Debug)]
pub(crate) struct Sample {
    /// How long it took, until the last response.
    pub(crate) elapsed: Duration,
    /// One for each request, in microseconds, ascending.
    latencies_us: Vec<u32>,
}

/// Requests to send in turn. Each sending has its own number, so that no two ask for the same.
#[derive(Debug)]
pub(crate) struct Script {
    requests: Vec<Request>,
    numbers: Arc<Numbers>,
}

/// Gives out numbers of sixteen digits, for as long as this program runs and in every later run.
#[derive(Debug)]
pub(crate) struct Numbers(AtomicU64);

impl Numbers {
    pub(crate) fn from_clock() -> Result<Self> {
        // Microseconds since 1970: no run sends as fast as they pass.
        let start = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
        Ok(Self(AtomicU64::new(u64::try_from(start)?)))
    }

    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

impl Script {
    pub(crate) fn new(requests: Vec<Request>, numbers: Arc<Numbers>) -> Self {
        Self { requests, numbers }
    }

    /// The next request's bytes.
    fn next<'a>(&self, buffers: &'a mut [Request]) -> Result<&'a [u8]> {
        let number = self.numbers.next();
        let place = usize::try_from(number)? % buffers.len().max(1);
        let request = buffers.get_mut(place).context("a script needs a request")?;
        Ok(request.numbered(number))
    }
}

impl Sample {
    fn of(elapsed: Duration, mut latencies_us: Vec<u32>) -> Result<Self> {
        ensure!(!latencies_us.is_empty(), "no request was answered in time");
        latencies_us.sort_unstable();
        Ok(Self { elapsed, latencies_us })
    }

    pub(crate) fn requests(&self) -> u64 {
        self.latencies_us.len() as u64
    }

    pub(crate) fn rate(&self) -> f64 {
        self.latencies_us.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that this share of the requests did not exceed, in milliseconds.
    pub(crate) fn percentile_ms(&self, share: f64) -> f64 {
        let rank = (share * self.latencies_us.len() as f64).ceil() as usize;
        let latency = self.latencies_us.get(rank.saturating_sub(1)).or(self.latencies_us.last());
        f64::from(latency.copied().unwrap_or_default()) / 1000.0
    }
}

/// As many requests as `connections` that each wait for their answer can send in `duration`.
pub(crate) async fn closed_loop(target: &Target, script: &Arc<Script>, connections: u16, duration: Duration) -> Result<Sample> {
    let opened = open(target, connections).await?;
    let start = Instant::now();
    let end = start + duration;
    let share = REQUESTS_MAX / usize::from(connections);
    let mut workers = JoinSet::new();
    for mut connection in opened {
        let script = Arc::clone(script);
        workers.spawn(async move {
            let mut buffers = script.requests.clone();
            let mut latencies = Vec::new();
            let mut sent = Instant::now();
            while sent < end && latencies.len() < share {
                answered(&mut connection, script.next(&mut buffers)?).await?;
                let now = Instant::now();
                latencies.push(micros(now - sent));
                sent = now;
            }
            Ok(latencies)
        });
    }
    let latencies = joined(workers, duration + PATIENCE).await?;
    Sample::of(start.elapsed(), latencies)
}

/// `rate` requests a second, sent on time whether or not earlier ones were answered. Latencies count from the moment that a request was
/// due: a server that stalls is charged for everybody who would have waited.
pub(crate) async fn open_loop(target: &Target, script: &Arc<Script>, connections: u16, rate: u32, duration: Duration) -> Result<Sample> {
    let opened = open(target, connections).await?;
    let due_count = (f64::from(rate) * duration.as_secs_f64()).ceil() as u32;
    let next_due = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for mut connection in opened {
        let (script, next_due) = (Arc::clone(script), Arc::clone(&next_due));
        workers.spawn(async move {
            let mut buffers = script.requests.clone();
            let mut latencies = Vec::new();
            loop {
                let place = u32::try_from(next_due.fetch_add(1, Ordering::Relaxed))?;
                if place >= due_count {
                    return Ok(latencies);
                }
                let due = start + Duration::from_secs(1) * place / rate;
                tokio::time::sleep_until(due).await;
                answered(&mut connection, script.next(&mut buffers)?).await?;
                latencies.push(micros(due.elapsed()));
            }
        });
    }
    let latencies = joined(workers, duration + PATIENCE).await?;
    Sample::of(start.elapsed(), latencies)
}

async fn open(target: &Target, connections: u16) -> Result<Vec<Connection>> {
    let mut opened = Vec::with_capacity(usize::from(connections));
    for _ in 0..connections {
        opened.push(Connection::open(target).await?);
    }
    Ok(opened)
}

/// Sends a request that must succeed.
async fn answered(connection: &mut Connection, request: &[u8]) -> Result<()> {
    let mut refusal = Vec::new();
    let status = connection
        .exchange(request, |status, part| {
            if !is_success(status) && refusal.len() < REFUSAL_BYTES_MAX {
                refusal.extend_from_slice(part);
            }
        })
        .await?;
    if is_success(status) {
        return Ok(());
    }
    refusal.truncate(REFUSAL_BYTES_MAX);
    bail!("answered {status}: {}", String::from_utf8_lossy(&refusal))
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Waits for every worker. Failures of several are told together, each kind once with its count.
async fn joined(mut workers: JoinSet<Result<Vec<u32>>>, patience: Duration) -> Result<Vec<u32>> {
    let mut latencies = Vec::new();
    let mut failures: Vec<(String, usize)> = Vec::new();
    let all = async {
        while let Some(worker) = workers.join_next().await {
            match worker? {
                Ok(part) => latencies.extend(part),
                Err(error) => count(&mut failures, format!("{error:#}")),
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(patience, all).await.context("requests were not answered in time")??;
    if failures.is_empty() {
        return Ok(latencies);
    }
    let told: Vec<String> = failures.into_iter().map(|(failure, times)| format!("{times} x {failure}")).collect();
    bail!("{}", told.join("; "))
}

/// Failures are of one kind when they begin alike: what follows names a request.
fn count(failures: &mut Vec<(String, usize)>, failure: String) {
    let kind = |text: &str| text.chars().take(20).collect::<String>();
    match failures.iter_mut().find(|(known, _)| kind(known) == kind(&failure)) {
        Some((_, times)) => *times += 1,
        None => failures.push((failure, 1)),
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Sample, count};
    use std::time::Duration;

    #[test]
    fn percentiles_are_latencies_that_were_seen() {
        let sample = Sample::of(Duration::from_secs(2), (1..=100).rev().map(|ms| ms * 1000).collect()).unwrap();
        for (share, expected) in [(0.0, 1.0), (0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0)] {
            assert_eq!(sample.percentile_ms(share), expected);
        }
        assert_eq!((sample.rate(), sample.requests()), (50.0, 100));
        assert!(Sample::of(Duration::from_secs(1), Vec::new()).is_err());
    }

    #[test]
    fn failures_are_counted_by_kind() {
        let mut failures = Vec::new();
        for failure in ["answered 503: {\"data\": 1", "answered 429: a", "answered 503: {\"data\": 2"] {
            count(&mut failures, failure.to_owned());
        }
        assert_eq!(failures.iter().map(|(_, times)| *times).collect::<Vec<_>>(), [2, 1]);
    }
}
