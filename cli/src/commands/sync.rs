//! `noted sync DIR`: keep a folder of markdown files and the workspace the same.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use noted_client::engine::Event;
use noted_client::session::{Progress, Summary, preview, sync};
use noted_client::watch::{self, Told};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Connection;
use crate::failure::{Failure, Kind, sentence};
use crate::output;

/// Most paths of one kind that a person wants to read.
const PATHS_SHOWN: usize = 10;

/// Arguments of `noted sync`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  noted sync docs                 send and receive what is new, changed, moved or gone
  noted sync docs --watch         the same, again and again, until Ctrl-C
  noted sync docs --dry-run       show what would be done
  noted sync docs --json | jq .   the same for a program

Files are compared by the SHA-256 of their text. What was changed here and on the server is a conflict: the file stays as it is,
both texts are kept in .noted-conflicts, and the exit code is 1 until `noted resolve` settles it.")]
pub struct SyncArguments {
    /// The folder; its *.md files are synced, hidden files and links are not
    pub folder: PathBuf,
    /// Show what would be done, and do nothing
    #[arg(long, conflicts_with = "watch")]
    pub dry_run: bool,
    /// Go on until Ctrl-C: send what is saved, receive what others save
    #[arg(long)]
    pub watch: bool,
    /// With --watch: seconds between two questions for what others changed
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub poll: u64,
    /// Let the server bring two texts together where no line was changed by both
    #[arg(long)]
    pub merge: bool,
    /// Delete notes also where more than a third of the files, and more than ten, are gone at once
    #[arg(long)]
    pub allow_delete: bool,
    /// Print the result as JSON; with --watch one line an event
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the folder or the server cannot be used, or something was left unsynced.
pub async fn run(arguments: &SyncArguments, connection: &Connection) -> Result<()> {
    let api = connection.resolve(&arguments.folder)?.client()?;
    if arguments.watch {
        let poll = Duration::from_secs(arguments.poll);
        // Listened to from now on, so that the first sync is not cut short either.
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let stop = async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        return watch::watch(api, &arguments.folder, (arguments.merge, arguments.allow_delete), poll, stop, &mut |told| {
            tell(&told, arguments.json)
        })
        .await;
    }
    let summary = if arguments.dry_run {
        preview(&api, &arguments.folder).await?
    } else {
        let bar = output::bar(!arguments.json && std::io::stderr().is_terminal());
        let mut show = |progress| {
            if let Progress::Sending(done, total) = progress {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                bar.set_message(format!("Syncing {done}/{total} files..."));
            }
        };
        let summary = sync(&api, &arguments.folder, (arguments.merge, arguments.allow_delete), &mut show).await;
        bar.finish_and_clear();
        summary?
    };
    if arguments.json {
        output::json(&summary)?
    } else {
        print(&summary)?
    }
    if summary.is_complete() {
        return Ok(());
    }
    let left = summary.conflicts.len() + summary.refused.len();
    Err(Failure::new(Kind::Incomplete, format!("{} left as they are; see above", output::count(left, "path"))).into())
}

/// One line for each thing that happens. A closed pipe ends nothing: syncing goes on.
fn tell(told: &Told, as_json: bool) {
    let line = match told {
        Told::Happened(event) if as_json => json!(event).to_string(),
        Told::Happened(event) => said(event),
        Told::Offline(error) if as_json => json!({"event": "offline", "reason": sentence(error)}).to_string(),
        Told::Offline(error) => format!("offline: {}; changes wait here", sentence(error)),
        Told::Online if as_json => json!({"event": "online"}).to_string(),
        Told::Online => "online again".to_owned(),
        Told::Waiting(error) if as_json => json!({"event": "waiting", "reason": sentence(error)}).to_string(),
        Told::Waiting(error) => format!("waiting: {}", sentence(error)),
    };
    let _ = output::line(&line);
}

fn said(event: &Event) -> String {
    match event {
        Event::Created { path } | Event::Updated { path } => format!("sent {path}"),
        Event::Renamed { from, path } => format!("sent {from} -> {path}"),
        Event::Deleted { path } => format!("sent the deletion of {path}"),
        Event::Received { path } => format!("received {path}"),
        Event::ReceivedMove { from, path } => format!("received {from} -> {path}"),
        Event::ReceivedDelete { path } => format!("received the deletion of {path}"),
        Event::Conflict { path, reason } => format!("conflict in {path}: {reason}; settle it with `noted resolve`"),
        Event::Resolved { path } => format!("resolved {path}"),
        Event::Refused { path, reason } => format!("refused {path}: {reason}"),
    }
}

fn print(summary: &Summary) -> Result<()> {
    let would = if summary.dry_run { "would be " } else { "" };
    let texts = |paths: &[noted_shared::domain::NotePath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    let moves = |moves: &[(noted_shared::domain::NotePath, noted_shared::domain::NotePath)]| {
        moves.iter().map(|(from, to)| format!("{from} -> {to}")).collect::<Vec<_>>()
    };
    for (noun, verb, paths) in [
        ("note", "created", texts(&summary.created)),
        ("note", "updated", texts(&summary.updated)),
        ("note", "renamed", moves(&summary.renamed)),
        ("note", "deleted", texts(&summary.deleted)),
        ("file", "received", texts(&summary.received)),
        ("file", "moved", moves(&summary.received_renames)),
        ("file", "removed", texts(&summary.received_deletes)),
    ] {
        if !paths.is_empty() {
            output::line(&format!("{} {would}{verb}", output::count(paths.len(), noun)))?;
            print_paths(&paths)?;
        }
    }
    for conflict in &summary.conflicts {
        output::line(&format!("! {}: {}; neither side was overwritten", conflict.path, conflict.reason))?;
    }
    for refused in &summary.refused {
        output::line(&format!("! {}: {}", refused.path, refused.reason))?;
    }
    for skipped in &summary.skipped {
        output::line(&format!("skipped {}: {}", skipped.path, skipped.reason))?;
    }
    let unchanged = output::count(summary.unchanged, "note");
    if summary.sent() + summary.taken() == 0 {
        return output::line(&format!("Nothing to do: {unchanged} up to date ({:.1} s)", summary.seconds));
    }
    output::line(&format!("{unchanged} unchanged ({:.1} s)", summary.seconds))
}

fn print_paths(paths: &[String]) -> Result<()> {
    paths.iter().take(PATHS_SHOWN).try_for_each(|path| output::line(&format!("  {path}")))?;
    match paths.len().checked_sub(PATHS_SHOWN) {
        None | Some(0) => Ok(()),
        Some(more) => output::line(&format!("  ... and {more} more (--json lists all)")),
    }
}
