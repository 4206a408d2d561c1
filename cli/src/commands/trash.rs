//! `noted trash` and `noted restore`: what was deleted, and the way back.

use anyhow::{Result, bail};
use clap::Args;
use noted_shared::domain::NoteId;
use noted_shared::wire::TrashedNote;

use crate::config::Connection;
use crate::failure::{Failure, Kind};
use crate::output;

/// Arguments of `noted trash`.
#[derive(Debug, Args)]
pub struct TrashArguments {
    /// Print the notes as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `noted restore`.
#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// Ids of deleted notes, as `noted trash` shows them
    #[arg(required_unless_present = "all", value_name = "ID")]
    pub notes: Vec<String>,
    /// Everything that is in the trash
    #[arg(long, conflicts_with = "notes")]
    pub all: bool,
    /// Print what became of each note as JSON
    #[arg(long)]
    pub json: bool,
}

/// Lists what can be brought back.
///
/// # Errors
/// When the server cannot be used.
pub async fn list(arguments: &TrashArguments, connection: &Connection) -> Result<()> {
    let notes = connection.resolve(".".as_ref())?.client()?.trash().await?;
    if arguments.json {
        return output::json(&notes);
    }
    output::table(["DELETED", "DAYS LEFT", "ID", "PATH", "TITLE"], &notes.iter().map(row).collect::<Vec<_>>())?;
    output::line(&output::count(notes.len(), "note"))
}

fn row(note: &TrashedNote) -> [String; 5] {
    let path = note.ide_file_path.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let deleted = note.deleted_at.to_string();
    let deleted = deleted.get(..19).unwrap_or(&deleted).replace('T', " ");
    [deleted, note.days_left.to_string(), note.id.to_string(), path, note.title.clone()]
}

/// Brings notes back.
///
/// # Errors
/// When the server cannot be used, or a note could not be brought back.
pub async fn restore(arguments: &RestoreArguments, connection: &Connection) -> Result<()> {
    let api = connection.resolve(".".as_ref())?.client()?;
    let ids = match arguments.all {
        true => api.trash().await?.iter().map(|note| note.id).collect(),
        false => parsed(&arguments.notes)?,
    };
    let results = api.restore(&ids).await?;
    if arguments.json {
        output::json(&results)?;
    } else {
        for (id, result) in ids.iter().zip(&results) {
            let said = result.message.as_deref().or(result.error_message.as_deref()).unwrap_or_default();
            output::line(&format!("{id}: {said}"))?;
        }
    }
    let failed = results.iter().filter(|result| !result.success).count();
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::new(Kind::Incomplete, format!("{} could not be brought back", output::count(failed, "note"))).into())
}

fn parsed(ids: &[String]) -> Result<Vec<NoteId>> {
    let mut parsed: Vec<NoteId> = Vec::with_capacity(ids.len());
    for id in ids {
        match NoteId::parse(id) {
            Ok(id) if parsed.contains(&id) => {}
            Ok(id) => parsed.push(id),
            Err(wrong) => bail!("{id} {}", wrong.reason),
        }
    }
    Ok(parsed)
}
