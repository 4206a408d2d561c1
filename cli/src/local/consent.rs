//! Whether the texts of a local workspace are embedded.
//!
//! With the stand-in they never leave the machine, so nobody has to be asked. That is no consent to anything else: it ends with the first start
//! that has a real provider, which gets no text until somebody says so.

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::folders::Folders;
use super::secrets::Secrets;
use crate::database;

/// Turns embedding on for the development workspace when the stand-in is there for the first time, and off again when it is gone. In between it is left as
/// its owner sets it. Answers whether texts are embedded now; they are not while there is no workspace.
///
/// # Errors
/// When the database refuses or the secrets cannot be saved.
pub async fn settle(connection: &mut PgConnection, folders: &Folders, secrets: &mut Secrets, is_stand_in: bool) -> Result<bool> {
    let Some(development) = &mut secrets.development else { return Ok(false) };
    let (workspace_id, was_stand_in) = (development.workspace_id, development.embeds_locally);
    // Written down before it is on, and struck out after it is off: whatever happens in between, it is never on without being known here.
    match (was_stand_in, is_stand_in) {
        (false, true) => {
            development.embeds_locally = true;
            secrets.save(&folders.data)?;
            set(connection, workspace_id, Some(true)).await
        }
        (true, false) => {
            let embeds = set(connection, workspace_id, Some(false)).await?;
            development.embeds_locally = false;
            secrets.save(&folders.data)?;
            Ok(embeds)
        }
        _ => set(connection, workspace_id, None).await,
    }
}

/// Turns embedding on or off for a workspace, or leaves it. Answers how it is now.
async fn set(connection: &mut PgConnection, workspace_id: Uuid, is_on: Option<bool>) -> Result<bool> {
    if let Some(is_on) = is_on {
        database::set_consent(connection, workspace_id, is_on).await?;
    }
    let mut transaction = connection.begin().await?;
    // Row security holds for the owner too.
    let enter = sqlx::query("select set_config('noted.workspace_id', $1, true)").bind(workspace_id.to_string());
    enter.execute(&mut *transaction).await?;
    let embeds = sqlx::query_scalar("select ai_processing from noted.workspaces where id = $1").bind(workspace_id);
    embeds.fetch_one(&mut *transaction).await.context("cannot tell whether the workspace's texts may be embedded")
}
