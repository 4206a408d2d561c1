//! The command line of a run.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

/// A smoke run: everything once and briefly. Its numbers mean nothing.
const QUICK_SECONDS: f64 = 0.3;
const QUICK_DOCUMENTS: usize = 25;
/// How long questions are asked at a fixed rate.
const ASKING_SECONDS: f64 = 20.0;

/// What to measure, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Rounds of each scenario; medians are taken over them
    #[arg(long, default_value_t = 5, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Seconds of one round
    #[arg(long, default_value_t = 4.0, value_name = "SECONDS", value_parser = parse_seconds)]
    seconds: f64,
    /// Requests in flight in the closed loop
    #[arg(long, default_value_t = 16, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) connections: u16,
    /// Measure only this; may be repeated [default: everything]
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// A smoke run of a few seconds; its numbers mean nothing
    #[arg(long, conflicts_with_all = ["rounds", "seconds"])]
    pub(crate) quick: bool,
    /// Folder of markdown files for the sync
    #[arg(long, default_value = "../shared/corpus/rust-rfcs", value_name = "FOLDER")]
    pub(crate) corpus: PathBuf,
    /// Also write the numbers to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) other: OtherServer,
}

/// Another server than the host: it serves the bundle already, and the twin runs on its database.
#[derive(Debug, Args)]
pub(crate) struct OtherServer {
    /// Measure the server at this address, on this machine, instead of the host
    #[arg(long, requires_all = ["key", "key_pepper", "database_url"], value_name = "URL")]
    pub(crate) url: Option<Url>,
    /// A key of that server for a fresh workspace of tier `internal`; several spread the writes over several workspaces
    #[arg(long, requires = "url", env = "NOTED_BENCH_KEY", hide_env_values = true, value_delimiter = ',', value_name = "KEY")]
    pub(crate) key: Vec<String>,
    /// Its variable `key_pepper`
    #[arg(long, env = "NOTED_BENCH_KEY_PEPPER", hide_env_values = true, value_name = "PEPPER")]
    pub(crate) key_pepper: Option<String>,
    /// Its variable `database_url`
    #[arg(long, env = "NOTED_BENCH_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// Where it serves `tests/probe/spin.toml`, for the scenarios without a database
    #[arg(long, requires = "url", value_name = "URL")]
    pub(crate) probe_url: Option<Url>,
    /// Its process, for CPU time and memory
    #[arg(long, requires = "url", value_name = "ID")]
    pub(crate) pid: Option<u32>,
    /// The process that serves `--probe-url`
    #[arg(long, requires = "probe_url", value_name = "ID")]
    pub(crate) probe_pid: Option<u32>,
}

/// The parts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Nothing but what is always measured: starts, memory at rest, sizes.
    Start,
    /// Requests that do nothing.
    Noop,
    /// `select 1`.
    Query,
    /// The smallest statement of the bundle, with its key check.
    Status,
    /// Creating notes, as fast as possible and at a fixed rate.
    Create,
    /// Listing 100 notes.
    List,
    /// Reading 100 changes.
    Changes,
    /// Syncing a folder.
    Sync,
    /// The same documents in batches, beside a `COPY` of the same rows.
    Batch,
    /// Updating a note of one megabyte, and merging conflicts of such notes.
    Large,
    /// Workspaces of 1,000, 10,000 and 100,000 notes.
    Growth,
    /// Questions in workspaces of 1,000, 10,000 and 100,000 chunks.
    Search,
}

/// How much is asked of workspaces with chunks.
pub(crate) struct Extent {
    pub(crate) sizes: [i64; 3],
    pub(crate) times: usize,
    pub(crate) at_rate: Duration,
}

impl Options {
    /// Rounds of each scenario.
    pub(crate) fn rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds }
    }

    /// Length of one round.
    pub(crate) fn round(&self) -> Duration {
        Duration::from_secs_f64(if self.quick { QUICK_SECONDS } else { self.seconds })
    }

    /// Length of the load before the first round of each server: code is compiled, connections are open, caches are filled.
    pub(crate) fn warm_up(&self) -> Duration {
        self.round().mul_f64(0.5).min(Duration::from_secs(2))
    }

    /// Whether this part is asked for.
    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// Notes of the workspaces that growth is measured with.
    pub(crate) fn sizes(&self) -> [i64; 3] {
        if self.quick { [100, 300, 1_000] } else { [1_000, 10_000, 100_000] }
    }

    /// Times that each size is asked, and that the large note is updated; a quarter of it for each merge.
    pub(crate) fn times(&self) -> usize {
        if self.quick { 5 } else { 100 }
    }

    /// How much is asked of workspaces with chunks.
    pub(crate) fn questions(&self) -> Extent {
        let at_rate = Duration::from_secs_f64(if self.quick { QUICK_SECONDS } else { ASKING_SECONDS });
        Extent { sizes: self.sizes(), times: self.times(), at_rate }
    }

    /// Documents of the corpus that are synced at most.
    pub(crate) fn documents_max(&self) -> usize {
        if self.quick { QUICK_DOCUMENTS } else { usize::MAX }
    }
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=60.0).contains(&seconds) { Ok(seconds) } else { Err("must be between 0.1 and 60".to_owned()) }
}
