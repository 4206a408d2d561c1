//! `noted sync DIR`: bring a folder of markdown files to the server.

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::api::Api;
use crate::config::Connection;
use crate::failure::{Failure, Kind};
use crate::output;
use crate::sync::send::{Summary, sync};

/// Most paths of one kind that a person wants to read.
const PATHS_SHOWN: usize = 10;

/// Arguments of `noted sync`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  noted sync docs                 send what is new, changed, moved or gone in docs
  noted sync docs --dry-run       show what would be sent
  noted sync docs --json | jq .   the same for a program

Files are compared by the SHA-256 of their text. A note that somebody else changed since this folder last saw it
is never overwritten or deleted; it is reported, and the exit code is 1.")]
pub struct SyncArguments {
    /// The folder; its *.md files are sent, hidden files and links are not
    pub folder: PathBuf,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the folder or the server cannot be used, or something was left unsynced.
pub async fn run(arguments: &SyncArguments, connection: &Connection) -> Result<()> {
    let api = Api::new(&connection.resolve(&arguments.folder)?)?;
    let bar = output::bar(!arguments.json && std::io::stderr().is_terminal());
    let summary = sync(&api, &arguments.folder, arguments.dry_run, &bar).await;
    bar.finish_and_clear();
    let summary = summary?;
    if arguments.json {
        output::json(&summary)?
    } else {
        print(&summary)?
    }
    if summary.is_complete() {
        return Ok(());
    }
    let left = summary.held.len() + summary.failed.len();
    Err(Failure::new(Kind::Incomplete, format!("{} left as they are; see above", output::count(left, "path"))).into())
}

fn print(summary: &Summary) -> Result<()> {
    let would = if summary.dry_run { "would be " } else { "" };
    let moved: Vec<String> = summary.renamed.iter().map(|(from, to)| format!("{from} -> {to}")).collect();
    for (verb, paths) in [("created", &summary.created), ("updated", &summary.updated), ("renamed", &moved), ("deleted", &summary.deleted)]
    {
        if !paths.is_empty() {
            output::line(&format!("{} {would}{verb}", output::count(paths.len(), "note")))?;
            print_paths(paths)?;
        }
    }
    let reasons = summary.held.iter().map(|held| (&held.path, held.reason.sentence()));
    for (path, reason) in reasons.chain(summary.failed.iter().map(|failed| (&failed.path, failed.reason.as_str()))) {
        output::line(&format!("! {path}: {reason}"))?;
    }
    for skipped in &summary.skipped {
        output::line(&format!("skipped {}: {}", skipped.path, skipped.reason))?;
    }
    let unchanged = output::count(summary.unchanged, "note");
    if summary.changes() == 0 {
        return output::line(&format!("Nothing to send: {unchanged} up to date ({:.1} s)", summary.seconds));
    }
    let sent = if summary.dry_run { "nothing sent".to_owned() } else { format!("{} sent", output::size(summary.bytes_sent)) };
    output::line(&format!("{unchanged} unchanged, {sent} ({:.1} s)", summary.seconds))
}

fn print_paths(paths: &[String]) -> Result<()> {
    paths.iter().take(PATHS_SHOWN).try_for_each(|path| output::line(&format!("  {path}")))?;
    match paths.len().checked_sub(PATHS_SHOWN) {
        None | Some(0) => Ok(()),
        Some(more) => output::line(&format!("  ... and {more} more (--json lists all)")),
    }
}
