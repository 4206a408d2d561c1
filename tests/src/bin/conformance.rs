//! Points the conformance list at a server that runs the probe, and prints what it does otherwise.

use clap::Parser;
use noted_tests::conformance::{self, Options};
use noted_tests::world::World;
use std::io::Write;
use std::process::ExitCode;
use url::Url;

/// Check that a host does what Noted's components rely on.
///
/// Without --url the host of this checkout is started, with a database of its own. Any other server must run `tests/probe/spin.toml` with
/// `--variable database_url=URL`; `tests/conformance/README.md` shows how.
#[derive(Parser)]
struct Arguments {
    /// Where the probe is served.
    #[arg(long, requires = "database_url")]
    url: Option<Url>,
    /// The value that the server was given for the variable `database_url`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<Url>,
    /// Which host it is: some answers are meant to differ.
    #[arg(long, default_value = "noted-host", value_parser = ["noted-host", "spin"])]
    runtime: String,
    /// Run only the cases whose group or name contains this.
    #[arg(long)]
    filter: Option<String>,
    /// Print the outcomes as JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Arguments { url, database_url, runtime, filter, json } = Arguments::parse();
    let mut started = None;
    let (url, database_url) = match url.zip(database_url) {
        Some(given) => given,
        None => {
            eprintln!("starting noted-host and PostgreSQL");
            let world = started.insert(World::of_probe().await?);
            (world.base_url().clone(), world.database.app_url.clone())
        }
    };
    let report = conformance::run(&Options { url, database_url, runtime, filter }).await?;
    let shown = if json { serde_json::to_string_pretty(&report)? + "\n" } else { report.to_string() };
    std::io::stdout().write_all(shown.as_bytes())?;
    Ok(if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
