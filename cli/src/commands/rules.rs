//! `noted rules`: what a workspace holds the notes of its agents against, besides the rules that are the same everywhere.

use anyhow::{Result, bail};
use clap::Args;
use noted_shared::input::account::refused_word;
use uuid::Uuid;

use crate::database;
use crate::local::stack::OwnerDatabase;
use crate::output;

/// Arguments of `noted rules`.
#[derive(Debug, Args)]
#[command(after_help = "Without a rule to set, the rules are shown. They hold for what agents write from now on, and never for people.
This works on the database as its owner: DATABASE_URL, else the one of `noted up`.")]
pub struct RulesArguments {
    /// Words that agents may not use, separated by commas, in place of those that were set before
    #[arg(long, value_name = "WORDS", value_delimiter = ',', value_parser = word)]
    pub refuse: Option<Vec<String>>,
    /// Refuse no words
    #[arg(long, conflicts_with = "refuse")]
    pub refuse_none: bool,
    /// Size of an agent's note at most, in KiB
    #[arg(long, value_name = "KIB", value_parser = clap::value_parser!(i32).range(1..=1024))]
    pub note_kib: Option<i32>,
    /// Id of the workspace [default: the one of `noted up`]
    #[arg(long, value_name = "ID")]
    pub workspace: Option<Uuid>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

fn word(text: &str) -> Result<String, String> {
    refused_word(text).map_err(|wrong| wrong.reason.into_owned())
}

/// Runs the command.
///
/// # Errors
/// When no workspace is named, or the database cannot be used.
pub async fn run(arguments: &RulesArguments) -> Result<()> {
    let owner = OwnerDatabase::open().await?;
    let Some(workspace) = arguments.workspace.or(owner.workspace) else {
        bail!("name the workspace with --workspace: this database is not the one of `noted up`");
    };
    let refused = if arguments.refuse_none { Some(Vec::new()) } else { arguments.refuse.clone() };
    let mut connection = database::connect(&owner.url).await?;
    let bytes_max = arguments.note_kib.map(|kib| kib << 10);
    let rules = database::set_agent_rules(&mut connection, workspace, bytes_max, refused.as_deref()).await?;
    if arguments.json {
        return output::json(&rules);
    }
    output::line(&format!("size           {} KiB at most", rules.bytes_max >> 10))?;
    let words = if rules.refused_words.is_empty() { "none".to_owned() } else { rules.refused_words.join(", ") };
    output::line(&format!("refused words  {words}"))
}
