//! `noted-bench`: the bundle beside a native twin of itself, on the same database, in interleaved rounds.
//!
//! It measures and does not judge: a ratio that is missed is printed, and is no failure. Ratios of one run can be compared between
//! machines, absolute numbers cannot. Deliberately absent: load on any address but this machine's own.

mod batch;
mod bundle;
mod check;
mod growth;
mod large;
mod load;
mod merging;
mod noop;
mod notes;
mod options;
mod peer;
mod process;
mod report;
mod rounds;
mod scenario;
mod search;
mod startup;
mod sync;
mod tenants;
mod twin;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use options::Options;

#[derive(Parser)]
#[command(
    name = "noted-bench",
    version,
    about = "Measures the bundle beside a native twin of itself, on the same database, in interleaved rounds",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "Examples:
  cargo xtask bench                              everything, about eight minutes
  cargo xtask bench --rounds 3 --seconds 2       everything, sooner and less exact
  cargo xtask bench --only create --only list    two scenarios
  cargo xtask bench --url http://127.0.0.1:3000 --key KEY --key-pepper PEPPER --database-url URL
                                                 the same bundle on another server, such as `spin up`"
)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    peer: Option<Peer>,
}

/// What the bench starts beside the host, each in a process of its own so that its time and memory can be told apart.
#[derive(Subcommand)]
enum Peer {
    /// Serve the native twin
    #[command(hide = true)]
    Twin(twin::Options),
    /// Serve the empty answer
    #[command(hide = true)]
    Noop,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.peer {
        Some(peer) => serve(peer),
        None => measure(&cli.options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn serve(peer: &Peer) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match peer {
            Peer::Twin(options) => twin::serve(options).await,
            Peer::Noop => noop::serve().await,
        }
    })
}

/// On one thread: the load has to leave the rest of the machine to the servers, and the processes that are started here live as long as
/// the thread that starts them.
fn measure(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let report = tokio::select! {
            report = bundle::measure(options) => report?,
            // What was started is stopped by leaving the other branch.
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                bail!("interrupted");
            }
        };
        report.print()?;
        if let Some(path) = &options.json {
            report.save(path)?;
        }
        if report.failures.is_empty() { Ok(()) } else { bail!("{} measurements failed; see above", report.failures.len()) }
    })
}
