//! `noted conflicts [DIR]` and `noted resolve PATH --keep ...`: what waits for a decision, and the five ways to decide.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use noted_client::engine::Keep;
use noted_client::folder::{is_synced, look};
use noted_client::session::{Session, open_conflicts};
use noted_shared::domain::NotePath;

use crate::config::Connection;
use crate::failure::{Failure, Kind};
use crate::output;

/// Arguments of `noted conflicts`.
#[derive(Debug, Args)]
pub struct ConflictsArguments {
    /// The synced folder
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `noted resolve`.
#[derive(Debug, Args)]
pub struct ResolveArguments {
    /// The file, as it lies on disk
    pub path: PathBuf,
    /// What to keep
    #[arg(long, value_enum)]
    pub keep: Choice,
}

/// What to keep.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Choice {
    /// The file as it is, or that it is gone
    Mine,
    /// What the server has
    Theirs,
    /// Both, as two notes: `name (IDE).md` and `name (Noted).md`
    Both,
    /// The file as it is, in which you have brought both together
    Merged,
    /// Nothing yet: the path stays as it is, and no sync fails because of it
    Later,
}

impl From<Choice> for Keep {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Mine => Self::Mine,
            Choice::Theirs => Self::Theirs,
            Choice::Both => Self::Both,
            Choice::Merged => Self::Merged,
            Choice::Later => Self::Later,
        }
    }
}

/// Lists the conflicts of a folder. Asks no server.
///
/// # Errors
/// When the folder or its state cannot be read.
pub fn list(arguments: &ConflictsArguments, connection: &Connection) -> Result<()> {
    let server = connection.resolve(&arguments.folder)?.url;
    let open = open_conflicts(&look(&arguments.folder, server.as_str())?.1);
    if arguments.json {
        return output::json(&open);
    }
    for conflict in &open {
        let later = if conflict.deferred { " (later)" } else { "" };
        output::line(&format!("{}: {}{later}", conflict.path, conflict.reason))?;
    }
    output::line(&output::count(open.len(), "conflict"))
}

/// Settles one.
///
/// # Errors
/// When there is none, or it cannot be settled in this way, or the server cannot be used.
pub async fn resolve(arguments: &ResolveArguments, connection: &Connection) -> Result<()> {
    let (folder, path) = in_folder(&arguments.path)?;
    let api = connection.resolve(&folder)?.client()?;
    let mut session = Session::open(api, &folder, false)?;
    session.resolve(&path, arguments.keep.into(), &mut |_| {}).await?;
    let is_open = session.state().conflicts.get(&path).is_some_and(|conflict| !conflict.deferred);
    if is_open {
        let message = format!("{path} was changed on the server once more; look at it again");
        return Err(Failure::new(Kind::Incomplete, message).into());
    }
    output::line(&format!("resolved {path}"))
}

/// The synced folder that a file is in, and the file's path in it.
fn in_folder(file: &Path) -> Result<(PathBuf, NotePath)> {
    let file = std::path::absolute(file)?;
    let folder = file.ancestors().skip(1).find(|folder| is_synced(folder));
    let folder = folder.with_context(|| format!("{} is in no folder that was synced", file.display()))?;
    let path = file.strip_prefix(folder)?.to_string_lossy();
    Ok((folder.to_owned(), NotePath::parse(&path).map_err(anyhow::Error::new)?))
}
