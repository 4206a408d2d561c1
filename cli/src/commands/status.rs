//! `noted status [DIR]`: how the workspace stands, and how a folder differs from it.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use noted_client::session::{Summary, preview};
use noted_shared::wire::SyncStatus;
use serde::Serialize;

use crate::config::Connection;
use crate::output;

/// Arguments of `noted status`.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// A folder to compare with the server, file by file
    pub folder: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Status {
    server: String,
    #[serde(flatten)]
    workspace: SyncStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<Summary>,
}

/// Runs the command.
///
/// # Errors
/// When the folder or the server cannot be used.
pub async fn run(arguments: &StatusArguments, connection: &Connection) -> Result<()> {
    let api = connection.resolve(arguments.folder.as_deref().unwrap_or(".".as_ref()))?.client()?;
    let workspace = api.status().await?;
    let folder = match &arguments.folder {
        Some(folder) => Some(preview(&api, folder).await?),
        None => None,
    };
    let status = Status { server: api.server().to_string(), workspace, folder };
    if arguments.json { output::json(&status) } else { print(&status) }
}

fn print(status: &Status) -> Result<()> {
    let workspace = &status.workspace;
    let last = workspace.last_sync_at.map_or_else(|| "never".to_owned(), |time| time.to_string());
    let rate = workspace.rate_limit_remaining.map_or_else(|| "not limited".to_owned(), |left| format!("{left} requests left this minute"));
    output::line(&format!("server     {}", status.server))?;
    output::line(&format!("notes      {} synced, last {last}", workspace.total_synced_notes))?;
    output::line(&format!("sync       {}", if workspace.sync_enabled { "enabled" } else { "not allowed for this key" }))?;
    output::line(&format!("rate       {rate}"))?;
    let Some(folder) = &status.folder else { return Ok(()) };
    let parts = [
        (folder.created.len(), "new"),
        (folder.updated.len(), "changed"),
        (folder.renamed.len(), "moved"),
        (folder.deleted.len(), "gone"),
        (folder.taken(), "changed on the server"),
        (folder.conflicts.len(), "in conflict"),
        (folder.skipped.len(), "not syncable"),
    ];
    let differing: Vec<String> = parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    let verdict = if differing.is_empty() { "in sync".to_owned() } else { differing.join(", ") };
    output::line(&format!("folder     {} equal, {verdict}", output::count(folder.unchanged, "file")))
}
