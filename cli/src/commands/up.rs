//! `noted up`: all of Noted on this machine, until Ctrl-C.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use noted_shared::domain::Scope;

use crate::config::{ConfigFile, Settings};
use crate::database;
use crate::keys::{self, KeyKind, KeyRequest, Tier};
use crate::local::consent;
use crate::local::embedder::Provider;
use crate::local::folders::Folders;
use crate::local::host::{Host, HostOptions};
use crate::local::project::Project;
use crate::local::secrets::{Development, Secrets};
use crate::local::stack::LocalDatabase;
use crate::local::ticker::Ticker;
use crate::output::step;

/// How often the host is checked for having ended by itself.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);
/// The workspace and its owner that a local run works in.
const WORKSPACE: &str = "local";
const OWNER_EMAIL: &str = "developer@localhost";
/// What the development key may do: all that a person does.
const KEY_SCOPES: [Scope; 5] = [Scope::NotesRead, Scope::NotesWrite, Scope::NotesDelete, Scope::IdeSync, Scope::RagQuery];
/// A key that expired while nobody looked is replaced at the next start.
const KEY_DAYS: i32 = 90;

/// Arguments of `noted up`.
#[derive(Debug, Args)]
#[command(after_help = "Without DATABASE_URL a PostgreSQL with pgvector is downloaded once, and its data is kept outside the checkout.
Without VOYAGE_API_KEY texts are embedded on this machine, by a stand-in that knows words but no meaning; VOYAGE_MODEL and VOYAGE_BASE_URL
choose another model and server for the key.
Address and development key are written to .noted/config.toml, where the other commands find them.")]
pub struct UpArguments {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "HOST:PORT")]
    pub listen: String,
}

/// What runs.
struct Running {
    host: Host,
    provider: Provider,
    database: LocalDatabase,
}

/// Runs the command; returns after Ctrl-C, with everything stopped.
///
/// # Errors
/// When a step fails, or the host ends by itself.
pub async fn run(arguments: &UpArguments) -> Result<()> {
    let project = Project::locate()?;
    let folders = Folders::of_project(project.root())?;
    let mut secrets = Secrets::load_or_create(&folders.data)?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let start = start(arguments, &project, &folders, &mut secrets);
    let mut running = tokio::select! {
        started = start => started?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    let ticker = Ticker::new(running.host.base_url(), &secrets.jobs_secret)?;
    let outcome = tokio::select! {
        ended = watch(&mut running.host) => Err(ended),
        never = ticker.run() => match never {},
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    eprintln!("\nstopping: requests in flight are finished first");
    let Running { host, provider, database } = running;
    // Requests in flight still need the others.
    drop(host);
    drop((provider, database));
    outcome
}

async fn start(arguments: &UpArguments, project: &Project, folders: &Folders, secrets: &mut Secrets) -> Result<Running> {
    let database = step("PostgreSQL", async {
        let database = LocalDatabase::open(folders, secrets).await?;
        let place = format!("{}:{}", database.owner_url.host_str().unwrap_or("?"), database.owner_url.port().unwrap_or(5432));
        if database.cluster.is_none() && database::configured_url()?.is_none() {
            bail!("another `noted up` of this project is running; end it first");
        }
        Ok((database, place))
    })
    .await?;
    step("schema", async {
        let applied = database.migrate(secrets).await?;
        Ok(((), if applied == 0 { "up to date".to_owned() } else { format!("{applied} migrations applied") }))
    })
    .await?;
    let provider = step("Embeddings", async {
        let provider = Provider::from_environment().await?;
        let said = provider.said();
        Ok((provider, said))
    })
    .await?;
    let mut connection = database::connect(&database.owner_url).await?;
    // Before there is a host that could send a text to a provider that may not have it.
    consent::settle(&mut connection, folders, secrets, provider.is_stand_in()).await?;
    let host = step("components", async {
        let options = HostOptions {
            manifest: project.manifest(),
            listen: arguments.listen.clone(),
            variables: provider.variables(),
            state: folders.data.join("host"),
            arguments: Vec::new(),
        };
        let host = database.serve(secrets, options)?;
        let url = host.base_url().to_string();
        Ok((host, url))
    })
    .await?;
    let settings = step("development key", development_key(&database, &host, folders, secrets)).await?;
    ConfigFile { url: Some(settings.url.clone()), api_key: Some(settings.api_key.clone()) }.save(project.root())?;
    // Once more, for a workspace that was just made.
    let embeds = consent::settle(&mut connection, folders, secrets, provider.is_stand_in()).await?;
    greet(&settings);
    if !embeds {
        let where_to = if provider.is_stand_in() { "be embedded on this machine" } else { "go to Voyage AI" };
        eprintln!("\nNotes are searched by words alone: `{} embed consent --on` lets texts {where_to}.", own_name());
    }
    Ok(Running { host, provider, database })
}

/// The key of the last start if the server still takes it, else a new one, in the same workspace.
async fn development_key(database: &LocalDatabase, host: &Host, folders: &Folders, secrets: &mut Secrets) -> Result<(Settings, String)> {
    let settings = |api_key: &str| Settings { url: host.base_url().clone(), api_key: api_key.to_owned() };
    let scopes: Vec<String> = KEY_SCOPES.map(|scope| scope.name().to_owned()).into();
    if let Some(development) = &secrets.development
        && development.scopes == scopes
    {
        let settings = settings(&development.api_key);
        if settings.client()?.status().await.is_ok() {
            return Ok((settings, "kept".to_owned()));
        }
    }
    let workspace = secrets.development.as_ref().map(|development| development.workspace_id);
    let request = KeyRequest {
        workspace,
        new_workspace: workspace.is_none().then(|| WORKSPACE.to_owned()),
        email: OWNER_EMAIL.to_owned(),
        kind: KeyKind::User,
        scopes: scopes.clone(),
        expires_days: KEY_DAYS,
        tier: Tier::Dev,
        test: true,
    };
    let mut connection = database::connect(&database.owner_url).await?;
    let key = keys::create(&mut connection, &request, &secrets.key_pepper).await?;
    // The workspace is the same if there was one.
    let embeds_locally = secrets.development.as_ref().is_some_and(|development| development.embeds_locally);
    secrets.development = Some(Development { api_key: key.api_key.clone(), workspace_id: key.workspace_id, scopes, embeds_locally });
    secrets.save(&folders.data)?;
    Ok((settings(&key.api_key), "made".to_owned()))
}

fn greet(settings: &Settings) {
    let Settings { url, api_key } = settings;
    eprintln!(
        "\nNoted serves on {url}
  key   {api_key}
  try   curl -s {url}v1/ide-sync/status -H 'Authorization: Bearer {api_key}'
  sync  {} sync DIR

Ctrl-C stops everything; notes stay.",
        own_name()
    );
}

/// This program as somebody in the current folder would call it.
fn own_name() -> String {
    let relative = || Some(std::env::current_exe().ok()?.strip_prefix(std::env::current_dir().ok()?).ok()?.display().to_string());
    relative().unwrap_or_else(|| "noted".to_owned())
}

/// Completes when the host has ended by itself.
async fn watch(host: &mut Host) -> anyhow::Error {
    loop {
        match host.ended() {
            Ok(None) => tokio::time::sleep(WATCH_INTERVAL).await,
            Ok(Some(report)) => return anyhow::anyhow!(report),
            Err(error) => return error,
        }
    }
}
