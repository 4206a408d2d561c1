//! `noted key create`: make an API key as the database's owner.

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::database;
use crate::keys::{self, KeyRequest};
use crate::local::stack::OwnerDatabase;
use crate::output;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key for a workspace, or for one that is made with it
    #[command(after_help = "The key is shown once; only a hash of it is stored.
With DATABASE_URL set, NOTED_KEY_PEPPER must be the `key_pepper` that the components run with.
Without --scope a key gets what its kind usually needs, for example an `ide` key: notes:read notes:write notes:delete ide:sync.")]
    Create {
        /// What the key may do and to whom it belongs
        #[command(flatten)]
        request: KeyRequest,
        /// The secret under which keys are stored; needed with DATABASE_URL
        #[arg(long, env = "NOTED_KEY_PEPPER", value_name = "SECRET", hide_env_values = true)]
        pepper: Option<String>,
        /// Print the key and its facts as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be reached or refuses the request.
pub async fn run(command: &KeyCommand) -> Result<()> {
    let KeyCommand::Create { request, pepper, json } = command;
    let owner = OwnerDatabase::open().await?;
    let pepper = pepper.as_ref().or(owner.key_pepper.as_ref());
    let pepper = pepper.context("set NOTED_KEY_PEPPER to the components' `key_pepper`: a key stored under another one never works")?;
    let mut connection = database::connect(&owner.url).await?;
    let key = keys::create(&mut connection, request, pepper).await.context("no key was made")?;
    if *json {
        return output::json(&key);
    }
    output::line(&key.api_key)?;
    eprintln!("made for workspace {} with {}; expires {}. It is not shown again.", key.workspace_id, key.scopes.join(", "), key.expires_at);
    Ok(())
}
