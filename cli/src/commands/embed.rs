//! `noted embed`: how the vectors of a workspace stand, and what to do about them.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use noted_client::api::Api;
use noted_shared::wire::Embeddings;
use uuid::Uuid;

use crate::config::Connection;
use crate::database;
use crate::local::stack::OwnerDatabase;
use crate::output;

/// How often progress is asked for.
const INTERVAL: Duration = Duration::from_millis(500);

/// What to do with embeddings.
#[derive(Debug, Subcommand)]
pub enum EmbedCommand {
    /// Show how many notes have their vectors, and what failed
    Status(StatusArguments),
    /// Queue every note again, those that were given up too, and follow until all have their vectors
    Backfill(FollowArguments),
    /// Follow while the vectors of a new model replace the old ones; search goes on with both
    #[command(
        after_help = "Changing the components' variable voyage_model starts it. What has no vector of the new model is queued; when all have one, \
the old vectors are deleted."
    )]
    Migrate(FollowArguments),
    /// Let the workspace's texts go to the provider of embeddings, or no longer
    #[command(after_help = "This works on the database as its owner: DATABASE_URL, else the one of `noted up`.
Without consent words are still searched. Taking it back deletes the vectors.")]
    Consent(ConsentArguments),
}

/// Arguments of `noted embed status`.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Follow until no note waits any more
    #[arg(long)]
    pub watch: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of what follows to the end.
#[derive(Debug, Args)]
pub struct FollowArguments {
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `noted embed consent`.
#[derive(Debug, Args)]
pub struct ConsentArguments {
    /// Texts may go to the provider
    #[arg(long, required_unless_present = "off", conflicts_with = "off")]
    pub on: bool,
    /// Texts may not go there; the vectors are deleted
    #[arg(long)]
    pub off: bool,
    /// Id of the workspace [default: the one of `noted up`]
    #[arg(long, value_name = "ID")]
    pub workspace: Option<Uuid>,
}

/// Runs the command.
///
/// # Errors
/// When the server or the database cannot be used, or a note was given up.
pub async fn run(command: &EmbedCommand, connection: &Connection) -> Result<()> {
    match command {
        EmbedCommand::Consent(arguments) => consent(arguments).await,
        EmbedCommand::Status(arguments) => {
            let api = connection.resolve(".".as_ref())?.client()?;
            let embeddings = if arguments.watch { follow(&api, arguments.json).await? } else { api.embeddings().await? };
            show(&embeddings, arguments.json)
        }
        EmbedCommand::Backfill(arguments) => {
            let api = connection.resolve(".".as_ref())?.client()?;
            let queued = api.backfill_embeddings().await?;
            eprintln!("{} queued; what has its vectors already costs nothing", output::count(usize::try_from(queued)?, "note"));
            show(&follow(&api, arguments.json).await?, arguments.json)
        }
        EmbedCommand::Migrate(arguments) => {
            let api = connection.resolve(".".as_ref())?.client()?;
            show(&follow(&api, arguments.json).await?, arguments.json)
        }
    }
}

/// Shows progress until no note waits.
async fn follow(api: &Api, json: bool) -> Result<Embeddings> {
    let bar = output::bar(!json);
    bar.set_message("notes");
    loop {
        let embeddings = api.embeddings().await?;
        let waiting = embeddings.notes.pending + embeddings.notes.in_progress + embeddings.notes.not_analysed;
        bar.set_length(u64::try_from(embeddings.notes.total)?);
        bar.set_position(u64::try_from(embeddings.notes.total - waiting)?);
        let is_replacing = embeddings.ai_processing && embeddings.vectors.len() > 1;
        if waiting == 0 && !is_replacing {
            bar.finish_and_clear();
            return Ok(embeddings);
        }
        if !embeddings.ai_processing && embeddings.notes.not_analysed == 0 {
            bar.finish_and_clear();
            bail!("AI processing is off in this workspace, so nothing is embedded; `noted embed consent --on` turns it on");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn show(embeddings: &Embeddings, json: bool) -> Result<()> {
    if json {
        return output::json(embeddings);
    }
    let notes = embeddings.notes;
    let consent = if embeddings.ai_processing { "on" } else { "off: words are searched, nothing goes to a provider" };
    output::line(&format!("ai processing  {consent}"))?;
    output::line(&format!("model          {}", embeddings.model.as_deref().unwrap_or("none yet")))?;
    output::line(&format!("notes          {} in {} chunks", notes.total, embeddings.chunks))?;
    let states = [
        (notes.completed, "with all their vectors"),
        (notes.pending, "waiting"),
        (notes.in_progress, "at the provider"),
        (notes.not_analysed, "not yet cut"),
        (notes.failed_permanently, "given up"),
    ];
    for (number, what) in states.into_iter().filter(|(number, _)| *number > 0) {
        output::line(&format!("               {number} {what}"))?;
    }
    for stored in &embeddings.vectors {
        output::line(&format!("vectors        {} of {}", stored.vectors, stored.model))?;
    }
    output::line(&format!("sent so far    {} texts, {} tokens", embeddings.embedded_chunks, embeddings.embedded_tokens))?;
    if let Some(until) = embeddings.provider_paused_until {
        output::line(&format!("provider       left alone until {until}"))?;
    }
    for failure in &embeddings.failures {
        let next = failure.next_attempt_at.map_or_else(|| "given up".to_owned(), |at| format!("next attempt {at}"));
        output::line(&format!("failed         {}: {} (attempt {}, {next})", failure.title, failure.error, failure.attempts))?;
    }
    Ok(())
}

async fn consent(arguments: &ConsentArguments) -> Result<()> {
    let owner = OwnerDatabase::open().await?;
    let Some(workspace) = arguments.workspace.or(owner.workspace) else {
        bail!("name the workspace with --workspace: this database is not the one of `noted up`");
    };
    let mut connection = database::connect(&owner.url).await?;
    database::set_consent(&mut connection, workspace, arguments.on).await?;
    eprintln!(
        "workspace {workspace}: AI processing is {}",
        if arguments.on { "on; its notes are queued" } else { "off; its vectors are deleted" }
    );
    Ok(())
}
