//! `noted`: the command line of Noted.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use noted::commands::{conflicts, doctor, embed, folder, key, list, migrate, query, rules, status, sync, trash, trust, up, write};
use noted::config::Connection;
use noted::failure::{exit_code, sentence};

#[derive(Parser)]
#[command(
    name = "noted",
    version,
    about = "Noted: the shared memory of a developer, their editor and their AI agents",
    disable_help_subcommand = true,
    after_help = "A first session:
  noted up                     run Noted on this machine (in a checkout: cargo xtask up)
  noted sync docs              keep a folder of markdown files and the workspace the same
  noted status docs            see that both sides agree
  noted query 'how does authentication work here?'

Exit codes: 0 done, 1 something was refused or left undone, 2 wrong usage, 3 server or database not reached, 4 key missing or refused.
Address and key come from flags, then NOTED_URL and NOTED_API_KEY, then .noted/config.toml in the folder or above it."
)]
struct Cli {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run Noted on this machine: PostgreSQL, schema, a development key, the components
    Up(up::UpArguments),
    /// Keep a folder of markdown files and the workspace the same
    Sync(sync::SyncArguments),
    /// List what was changed here and on the server, and waits for a decision
    Conflicts(conflicts::ConflictsArguments),
    /// Settle a conflict
    Resolve(conflicts::ResolveArguments),
    /// List every live note of the workspace
    List(list::ListArguments),
    /// Make, show and change the folders that notes are sorted into
    #[command(subcommand)]
    Folder(folder::FolderCommand),
    /// List deleted notes that can still be brought back
    Trash(trash::TrashArguments),
    /// Bring deleted notes back
    Restore(trash::RestoreArguments),
    /// Show how the workspace stands, and how a folder differs from it
    Status(status::StatusArguments),
    /// Ask the notes
    Query(query::QueryArguments),
    /// Write a note as an agent does, held against the rules for agents
    Write(write::WriteArguments),
    /// Show or set what a workspace holds agents' notes against
    Rules(rules::RulesArguments),
    /// Show and steer the vectors that questions are answered by
    #[command(subcommand)]
    Embed(embed::EmbedCommand),
    /// Make API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Change or show the database's schema
    Migrate(migrate::MigrateArguments),
    /// Confirm the address that a folder's .noted/config.toml names, so that your own key may go there
    Trust(trust::TrustArguments),
    /// Report what is there and what is missing
    Doctor(doctor::DoctorArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", noted::output::clean(&sentence(&error)));
            exit_code(&error)
        }
    }
}

async fn run(cli: &Cli) -> Result<()> {
    match &cli.command {
        Command::Up(arguments) => up::run(arguments).await,
        Command::Sync(arguments) => sync::run(arguments, &cli.connection).await,
        Command::Conflicts(arguments) => conflicts::list(arguments, &cli.connection),
        Command::Resolve(arguments) => conflicts::resolve(arguments, &cli.connection).await,
        Command::List(arguments) => list::run(arguments, &cli.connection).await,
        Command::Folder(command) => folder::run(command, &cli.connection).await,
        Command::Trash(arguments) => trash::list(arguments, &cli.connection).await,
        Command::Restore(arguments) => trash::restore(arguments, &cli.connection).await,
        Command::Status(arguments) => status::run(arguments, &cli.connection).await,
        Command::Query(arguments) => query::run(arguments, &cli.connection).await,
        Command::Write(arguments) => write::run(arguments, &cli.connection).await,
        Command::Rules(arguments) => rules::run(arguments).await,
        Command::Embed(command) => embed::run(command, &cli.connection).await,
        Command::Key(command) => key::run(command).await,
        Command::Migrate(arguments) => migrate::run(arguments).await,
        Command::Trust(arguments) => trust::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments, &cli.connection).await,
    }
}

/// `noted list | head` is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
