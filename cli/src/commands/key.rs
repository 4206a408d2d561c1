//! `noted key`: make an API key, or put one in the place of another, as the database's owner.

use anyhow::{Context, Result};
use clap::Subcommand;
use uuid::Uuid;

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
    /// Give the names that a key writes under to the key that takes its place
    #[command(
        after_help = "A name (sync_origin_id) belongs to the key that first wrote under it. `noted sync` takes a new name by itself when its key is
another one; programs that keep their name across keys need this."
    )]
    HandOver {
        /// Id of the workspace that both keys open
        #[arg(long, value_name = "ID")]
        workspace: Uuid,
        /// Public id of the key that goes
        #[arg(long, value_name = "PUBLIC_ID")]
        from: String,
        /// Public id of the key that stays
        #[arg(long, value_name = "PUBLIC_ID")]
        to: String,
    },
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be reached or refuses the request.
pub async fn run(command: &KeyCommand) -> Result<()> {
    match command {
        KeyCommand::Create { request, pepper, json } => create(request, pepper.as_ref(), *json).await,
        KeyCommand::HandOver { workspace, from, to } => {
            let owner = OwnerDatabase::open().await?;
            let mut connection = database::connect(&owner.url).await?;
            let moved = keys::hand_over_origins(&mut connection, *workspace, from, to).await.context("no name was handed over")?;
            output::line(&format!("{moved} {} to {to} now", if moved == 1 { "name belongs" } else { "names belong" }))
        }
    }
}

async fn create(request: &KeyRequest, pepper: Option<&String>, json: bool) -> Result<()> {
    let owner = OwnerDatabase::open().await?;
    let pepper = pepper.or(owner.key_pepper.as_ref());
    let pepper = pepper.context("set NOTED_KEY_PEPPER to the components' `key_pepper`: a key stored under another one never works")?;
    let mut connection = database::connect(&owner.url).await?;
    let key = keys::create(&mut connection, request, pepper).await.context("no key was made")?;
    if json {
        return output::json(&key);
    }
    output::line(&key.api_key)?;
    eprintln!("made for workspace {} with {}; expires {}. It is not shown again.", key.workspace_id, key.scopes.join(", "), key.expires_at);
    Ok(())
}
