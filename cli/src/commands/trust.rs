//! `noted trust`: what a folder says of itself, confirmed by its user.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use noted_client::folder::take_over;

use crate::{config, output};

/// Arguments of `noted trust`.
#[derive(Debug, Args)]
pub struct TrustArguments {
    /// The project
    #[arg(default_value = ".")]
    pub folder: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When the folder names no address, or what was confirmed cannot be kept.
pub fn run(arguments: &TrustArguments) -> Result<()> {
    let is_taken_over = take_over(&arguments.folder)?;
    if is_taken_over {
        output::line("what an earlier release remembered of this folder was taken over")?;
    }
    match config::trust(&arguments.folder) {
        Ok((root, url)) => output::line(&format!("keys from elsewhere may go to {url} from {}", root.display())),
        Err(_) if is_taken_over => Ok(()),
        Err(error) => Err(error),
    }
}
