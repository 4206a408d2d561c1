//! `noted list`: every live note of the workspace.

use anyhow::Result;
use clap::Args;
use noted_shared::wire::NoteOut;

use crate::config::Connection;
use crate::output;

/// Arguments of `noted list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Print the notes as JSON, with whole hashes and version vectors
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the server cannot be used.
pub async fn run(arguments: &ListArguments, connection: &Connection) -> Result<()> {
    let api = connection.resolve(".".as_ref())?.client()?;
    let mut notes = api.list().await?;
    notes.sort_by_key(|note| note.ide_file_path.as_ref().map(ToString::to_string));
    if arguments.json {
        return output::json(&notes);
    }
    output::table(["PATH", "VERSION", "SHA-256", "UPDATED", "TITLE"], &notes.iter().map(row).collect::<Vec<_>>())?;
    output::line(&output::count(notes.len(), "note"))
}

fn row(note: &NoteOut) -> [String; 5] {
    let path = note.ide_file_path.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let hash = note.content_sha256.to_string();
    // To the second; JSON has the microseconds.
    let updated = note.updated_at.to_string();
    [path, note.version.to_string(), hash[..12].to_owned(), updated.get(..19).unwrap_or(&updated).replace('T', " "), note.title.clone()]
}
