//! `noted migrate up|down|status`: the schema of the database.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::database;
use crate::local::stack::OwnerDatabase;
use crate::output;

/// Arguments of `noted migrate`.
#[derive(Debug, Args)]
#[command(after_help = "The database is DATABASE_URL (the owner's), else the one of `noted up`.
After the first `up` give the components' role its password: alter role noted_app password '...'")]
pub struct MigrateArguments {
    /// What to do
    #[command(subcommand)]
    pub action: MigrateAction,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with the schema.
#[derive(Debug, Clone, Subcommand)]
pub enum MigrateAction {
    /// Apply every pending migration, then replace the components' functions
    Up,
    /// Revert the newest migration, or every one above --to
    Down {
        /// The number of the migration to go back to; 0 reverts all
        #[arg(long, value_name = "NUMBER")]
        to: Option<i64>,
    },
    /// Show which migrations the database has
    Status,
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be reached or a migration fails.
pub async fn run(arguments: &MigrateArguments) -> Result<()> {
    let owner = OwnerDatabase::open().await?;
    let mut connection = database::connect(&owner.url).await?;
    let said = match arguments.action {
        MigrateAction::Up => format!("{} applied", output::count(database::up(&mut connection).await?, "migration")),
        MigrateAction::Down { to } => {
            let applied = database::status(&mut connection).await?.iter().filter(|migration| migration.applied).count();
            let target = to.unwrap_or(i64::try_from(applied)? - 1).max(0);
            format!("{} reverted", output::count(database::down(&mut connection, target).await?, "migration"))
        }
        MigrateAction::Status => String::new(),
    };
    let status = database::status(&mut connection).await?;
    if arguments.json {
        return output::json(&status);
    }
    if !said.is_empty() {
        output::line(&said)?;
    }
    let rows: Vec<_> =
        status.iter().map(|m| [m.version.to_string(), m.name.clone(), if m.applied { "yes" } else { "no" }.to_owned()]).collect();
    output::table(["NUMBER", "MIGRATION", "APPLIED"], &rows)
}
