//! `noted folder`: the tree that notes are sorted into.

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use noted_client::api::Api;
use noted_shared::domain::FolderName;
use noted_shared::wire::{FolderDraft, FolderOut, FolderPatch};

use crate::config::Connection;
use crate::output;

/// What to do with folders. Each is named by its path, such as `work/2026`.
#[derive(Debug, Subcommand)]
pub enum FolderCommand {
    /// List all folders, with the notes that lie in each
    List(ListArguments),
    /// Make a folder, and those that it lies in
    Create(PathArguments),
    /// Give a folder another name
    Rename(RenameArguments),
    /// Put a folder into another one
    Move(MoveArguments),
    /// Delete a folder that holds no folders; no note is deleted with it
    Delete(DeleteArguments),
}

/// Arguments of `noted folder list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Print the folders as JSON
    #[arg(long)]
    pub json: bool,
}

/// One folder.
#[derive(Debug, Args)]
pub struct PathArguments {
    /// Path of the folder
    pub path: String,
}

/// Arguments of `noted folder rename`.
#[derive(Debug, Args)]
pub struct RenameArguments {
    /// Path of the folder
    pub path: String,
    /// Its new name
    pub name: String,
}

/// Arguments of `noted folder move`.
#[derive(Debug, Args)]
pub struct MoveArguments {
    /// Path of the folder
    pub path: String,
    /// Path of the folder to put it in; / is the top
    pub into: String,
}

/// Arguments of `noted folder delete`.
#[derive(Debug, Args)]
pub struct DeleteArguments {
    /// Path of the folder
    pub path: String,
    /// Let its notes move to where the folder was; without, a folder that holds notes stays
    #[arg(long)]
    pub move_notes: bool,
}

/// Runs the command.
///
/// # Errors
/// When there is no such folder, or the server refuses or cannot be used.
pub async fn run(command: &FolderCommand, connection: &Connection) -> Result<()> {
    let api = connection.resolve(".".as_ref())?.client()?;
    let folders = api.folders().await?;
    match command {
        FolderCommand::List(arguments) => list(&folders, arguments.json),
        FolderCommand::Create(arguments) => create(&api, &folders, &arguments.path).await,
        FolderCommand::Rename(arguments) => {
            let patch = FolderPatch { name: Some(named(&arguments.name)?), parent_id: None };
            show(&api.change_folder(find(&folders, &arguments.path)?.id, &patch).await?)
        }
        FolderCommand::Move(arguments) => {
            let into = if arguments.into == "/" { None } else { Some(find(&folders, &arguments.into)?.id) };
            let patch = FolderPatch { name: None, parent_id: Some(into) };
            show(&api.change_folder(find(&folders, &arguments.path)?.id, &patch).await?)
        }
        FolderCommand::Delete(arguments) => {
            let moved = api.delete_folder(find(&folders, &arguments.path)?.id, arguments.move_notes).await?;
            output::line(&format!("deleted {}; {} moved", arguments.path, output::count(usize::try_from(moved)?, "note")))
        }
    }
}

fn list(folders: &[FolderOut], json: bool) -> Result<()> {
    if json {
        return output::json(&folders);
    }
    let row = |folder: &FolderOut| [folder.path.clone(), folder.live_notes.to_string(), folder.id.to_string()];
    output::table(["PATH", "NOTES", "ID"], &folders.iter().map(row).collect::<Vec<_>>())?;
    output::line(&output::count(folders.len(), "folder"))
}

/// Makes what is missing of a path, from the top down.
async fn create(api: &Api, folders: &[FolderOut], path: &str) -> Result<()> {
    let mut deepest = None::<FolderOut>;
    let mut reached = String::new();
    for name in path.trim_matches('/').split('/') {
        if !reached.is_empty() {
            reached.push('/');
        }
        reached.push_str(name);
        deepest = match folders.iter().find(|folder| folder.path == reached) {
            Some(there) => Some(there.clone()),
            None => Some(api.make_folder(&FolderDraft { name: named(name)?, parent_id: deepest.map(|parent| parent.id) }).await?),
        };
    }
    deepest.map_or(Ok(()), |folder| show(&folder))
}

fn show(folder: &FolderOut) -> Result<()> {
    output::line(&format!("{}  {}", folder.id, folder.path))
}

fn find<'a>(folders: &'a [FolderOut], path: &str) -> Result<&'a FolderOut> {
    let path = path.trim_matches('/');
    folders.iter().find(|folder| folder.path == path).with_context(|| format!("there is no folder {path}; `noted folder list` shows all"))
}

fn named(name: &str) -> Result<FolderName> {
    match FolderName::parse(name) {
        Ok(name) => Ok(name),
        Err(wrong) => bail!("a folder's name {}", wrong.reason),
    }
}
