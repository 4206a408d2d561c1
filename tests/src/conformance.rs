//! Does a host do what Noted's components rely on? A list of cases, pointed at a server that runs the probe.
//!
//! The cases are data (`tests/conformance/cases/*.json`), so the same list runs against `noted-host` and against Spin, and what they
//! disagree about is written down in it. A case is a few requests and what must come back. Cases run one after the other, because
//! several of them watch what one request leaves behind for the next.

mod case;
mod client;
mod matcher;
mod peer;
mod report;

use anyhow::Context as _;
use case::{Case, Step};
use client::Server;
use futures::future::join_all;
use peer::Peer;
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use url::Url;

pub use report::{Outcome, Report};

/// Longer than an idle instance lives by default (one second), so that the next request starts a new one.
const ALL_INSTANCES_GONE: Duration = Duration::from_millis(1600);

/// A port that was never given to anything that people still run.
const NOBODY_LISTENS: u16 = 1;

/// What to test, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the probe is served, such as `http://127.0.0.1:3000`.
    pub url: Url,
    /// The value that the server has for the variable `database_url`, as `postgres://user:password@host:port/database`.
    pub database_url: Url,
    /// The name under which the list knows the host: `noted-host` or `spin`.
    pub runtime: String,
    /// Run only the cases whose group or name contains this.
    pub filter: Option<String>,
}

/// Runs the list and reports every case; an error means that the list or the options make no sense.
pub async fn run(options: &Options) -> anyhow::Result<Report> {
    let peer = Peer::start().await.context("cannot start the server that the probe's own requests go to")?;
    let server = Server::new(&options.url)?;
    let cases = case::load(&placeholders(options, &server, &peer)?)?;
    let mut report = Report::default();
    for case in cases.iter().filter(|case| case.is_wanted(options.filter.as_deref())) {
        report.add(case, attempt(case, &server, &options.runtime).await);
    }
    Ok(report)
}

/// What `{{name}}` stands for in the list.
fn placeholders(options: &Options, server: &Server, peer: &Peer) -> anyhow::Result<HashMap<&'static str, String>> {
    let database = &options.database_url;
    anyhow::ensure!(database.has_host(), "the database must be given as postgres://user:password@host:port/database");
    let variant = |change: &dyn Fn(&mut Url)| {
        let mut url = database.clone();
        change(&mut url);
        url.to_string()
    };
    // A name nobody used before, for keys. It may not be part of a database URL: Spin keeps a pool for each URL, but for 16 at most.
    let nonce = format!("{:x}", SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros());
    Ok(HashMap::from([
        ("authority", server.authority().to_owned()),
        ("peer", peer.authority()),
        ("refused", format!("127.0.0.1:{NOBODY_LISTENS}")),
        ("database_url", with_sslmode(database).to_string()),
        ("database_refused", variant(&|url| _ = url.set_port(Some(NOBODY_LISTENS)))),
        ("database_denied", variant(&|url| _ = url.set_host(Some("127.0.0.2")))),
        ("database_stranger", variant(&|url| _ = url.set_username("nobody_at_all"))),
        ("nonce", nonce),
    ]))
}

/// The database URL with a query string, so that a case can append `&application_name=...`.
fn with_sslmode(database: &Url) -> Url {
    let mut url = database.clone();
    if !url.query_pairs().any(|(name, _)| name == "sslmode") {
        url.query_pairs_mut().append_pair("sslmode", "disable");
    }
    url
}

/// Runs a case until it passes, but no more often than it allows.
async fn attempt(case: &Case, server: &Server, runtime: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for _ in 0..case.attempts {
        if case.fresh_instances {
            tokio::time::sleep(ALL_INSTANCES_GONE).await;
        }
        problems = once(case, server, runtime).await;
        if problems.is_empty() {
            break;
        }
    }
    problems
}

async fn once(case: &Case, server: &Server, runtime: &str) -> Vec<String> {
    let steps = case.steps.iter().enumerate().flat_map(|(at, step)| std::iter::repeat_n((at, step), step.times));
    let each = steps.map(|(at, step)| async move { (at, take(step, server, runtime).await) });
    let outcomes: Vec<(usize, Vec<String>)> = if case.parallel {
        join_all(each).await
    } else {
        let mut outcomes = Vec::new();
        for step in each {
            outcomes.push(step.await);
        }
        outcomes
    };
    let label = |at: usize| if case.steps.len() > 1 { format!("step {}: ", at + 1) } else { String::new() };
    outcomes.into_iter().flat_map(|(at, problems)| problems.into_iter().map(move |problem| label(at) + &problem)).collect()
}

async fn take(step: &Step, server: &Server, runtime: &str) -> Vec<String> {
    tokio::time::sleep(Duration::from_millis(step.delay_ms)).await;
    match server.exchange(&step.send).await {
        Ok(answer) => matcher::check(step.expected_on(runtime), &answer),
        Err(error) => vec![format!("no answer: {error:#}")],
    }
}
