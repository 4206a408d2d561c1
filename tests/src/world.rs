//! A running Noted for tests: a real PostgreSQL, the real components on the real host.
//!
//! One world serves a whole test binary; each test makes its own tenant in it, so that isolation is tested all the time. Tests that
//! break things start a world of their own.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use noted::database;
use noted::keys::{self, KeyKind, KeyRequest, NewKey, Tier};
use noted::local::folders::Folders;
use noted::local::host::{Host, HostOptions};
use noted::local::postgres::Cluster;
use noted::local::secrets::Secrets;
use noted::local::stack::LocalDatabase;
use noted::local::ticker::{Cleared, Round, Ticker};
use noted_shared::domain::Scope;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use url::Url;
use uuid::Uuid;

use crate::client::Client;
use crate::provider::Provider;

/// The origin of a web page that may ask from a browser.
pub const WEB_PAGE: &str = "http://localhost:5173";

/// How the names of worlds' folders begin; the id of their process follows.
const FOLDER_PREFIX: &str = "noted-test-";

/// Longest that a round which is under way takes, unless its worker has died.
const LEASE_PATIENCE: Duration = Duration::from_secs(5);

/// Longest that all work that waits may take.
const JOBS_PATIENCE: Duration = Duration::from_secs(60);

/// A running stack. Dropping it stops the processes and removes the data.
#[derive(Debug)]
pub struct World {
    /// The components' host; `None` between [`World::stop_host`] and [`World::start_host`].
    pub host: Option<Host>,
    /// The database under it.
    pub database: LocalDatabase,
    /// Its secrets.
    pub secrets: Secrets,
    /// Where its vectors come from. Whoever makes it misbehave needs a world of their own.
    pub provider: Provider,
    /// Of another provider, where one was named.
    variables: Option<Vec<(String, String)>>,
    manifest: PathBuf,
    arguments: Vec<String>,
    folder: tempfile::TempDir,
}

/// The checkout that the tests were compiled in.
#[must_use]
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The world that tests share, started by the first one that asks.
///
/// # Panics
/// When it cannot be started: nothing can be tested then.
#[must_use]
pub fn shared() -> &'static World {
    static WORLD: OnceLock<Result<World, String>> = OnceLock::new();
    the_one(WORLD.get_or_init(|| started(World::start)))
}

/// A database without a host that tests share, started by the first one that asks.
///
/// # Panics
/// When it cannot be started: nothing can be tested then.
#[must_use]
pub fn shared_database() -> &'static World {
    static WORLD: OnceLock<Result<World, String>> = OnceLock::new();
    the_one(WORLD.get_or_init(|| started(World::of_database)))
}

/// A world that did not start is not started again for every test.
fn the_one(started: &Result<World, String>) -> &World {
    started.as_ref().unwrap_or_else(|failure| panic!("the world does not start: {failure}"))
}

fn started(start: impl AsyncFnOnce() -> Result<World> + Send + 'static) -> Result<World, String> {
    let (sender, receiver) = mpsc::channel();
    // The processes die with the thread that starts them, so it has to outlive every test: it ends with the binary.
    std::thread::spawn(move || {
        let started = tokio::runtime::Runtime::new().context("no runtime").and_then(|runtime| runtime.block_on(start()));
        let _ = sender.send(started);
        loop {
            std::thread::park();
        }
    });
    match receiver.recv() {
        Ok(started) => started.map_err(|error| format!("{error:#}")),
        Err(_) => Err("the thread that starts it ended".to_owned()),
    }
}

impl World {
    /// Starts a stack of the bundle with its own database.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn start() -> Result<Self> {
        Self::of(checkout().join("spin.toml"), &[]).await
    }

    /// Starts a stack of the bundle with a provider of embeddings that somebody else runs.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn with_provider(base_url: &Url, model: &str) -> Result<Self> {
        let mut world = Self::without_host(checkout().join("spin.toml")).await?;
        let variables = [("voyage_base_url", base_url.as_str()), ("voyage_model", model), ("voyage_api_key", "eval")];
        world.variables = Some(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        world.start_host()?;
        Ok(world)
    }

    /// Starts a stack of any manifest, with further arguments for the host.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn of(manifest: PathBuf, arguments: &[&str]) -> Result<Self> {
        let mut world = Self::without_host(manifest).await?;
        world.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        world.start_host()?;
        Ok(world)
    }

    /// Starts a database with the schema and without a host, for what is asked of the schema's functions alone. It does not wait for its disk:
    /// nobody reads what it leaves behind.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn of_database() -> Result<Self> {
        let world = Self::without_host(checkout().join("spin.toml")).await?;
        let mut superuser = world.superuser().await;
        for setting in ["fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_wal_size = '4GB'"] {
            sqlx::raw_sql(AssertSqlSafe(format!("alter system set {setting}"))).execute(&mut superuser).await?;
        }
        sqlx::query("select pg_reload_conf()").execute(&mut superuser).await?;
        Ok(world)
    }

    /// Starts a stack for deliberate bugs of its database: what is wrong with it would be found by every other test.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn to_be_broken() -> Result<Self> {
        let mut world = Self::of_database().await?;
        world.start_host()?;
        Ok(world)
    }

    async fn without_host(manifest: PathBuf) -> Result<Self> {
        remove_leftovers()?;
        let folder = tempfile::Builder::new().prefix(&format!("{FOLDER_PREFIX}{}-", std::process::id())).tempdir()?;
        let secrets = Secrets::generate()?;
        let cache = Folders::of_project(checkout())?.cache;
        let database = LocalDatabase::embedded(&cache, &folder.path().join("postgres"), &secrets).await?;
        database.migrate(&secrets).await?;
        let provider = Provider::start()?;
        Ok(Self { host: None, database, secrets, provider, variables: None, manifest, arguments: Vec::new(), folder })
    }

    /// Starts a stack of the conformance list's probe. It works as the owner, because it makes tables of its own.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn of_probe() -> Result<Self> {
        let mut world = Self::of(checkout().join("tests/probe/spin.toml"), &[]).await?;
        world.database.app_url = world.database.owner_url.clone();
        world.stop_host();
        world.start_host()?;
        Ok(world)
    }

    /// Starts the host, on a port of its own choice.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_host(&mut self) -> Result<()> {
        let mut variables = self.variables.clone().unwrap_or_else(|| self.provider.variables());
        variables.push(("cors_allowed_origins".to_owned(), format!("https://elsewhere.example, {WEB_PAGE}")));
        let options = HostOptions {
            manifest: self.manifest.clone(),
            listen: "127.0.0.1:0".to_owned(),
            variables,
            state: self.folder.path().join("host"),
            arguments: self.arguments.clone(),
        };
        self.host = Some(self.database.serve(&self.secrets, options)?);
        Ok(())
    }

    /// From the next start of the host on new vectors are made with this model.
    pub fn set_model(&mut self, model: &str) {
        self.variables = Some(self.provider.variables_for(model));
    }

    /// Stops the host as an operator would: requests in flight are finished.
    pub fn stop_host(&mut self) {
        self.host = None;
    }

    /// Removes what the components kept in their key-value store; the host must be stopped.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget_key_values(&self) -> Result<()> {
        for entry in std::fs::read_dir(self.folder.path().join("host"))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("sqlite_key_value.db") {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Ends the host as a crash would.
    ///
    /// # Panics
    /// When there is none.
    pub fn kill_host(&mut self) {
        let host = self.host.take().unwrap_or_else(|| panic!("the host is stopped"));
        crash(host.process_id());
    }

    /// Ends the database as a crash would: the server and all its sessions, wherever each of them is.
    ///
    /// # Panics
    /// When it is not ours.
    pub fn kill_database(&self) {
        let server = self.cluster().process_id();
        let sessions = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
        crash(server);
        // Some of them may have noticed and ended by themselves.
        let _ = kill_at_once(sessions.split_whitespace());
    }

    /// The database server.
    ///
    /// # Panics
    /// When it is not ours.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        self.database.cluster.as_ref().unwrap_or_else(|| panic!("the database is somebody else's"))
    }

    /// The database server, to be stopped and started again.
    ///
    /// # Panics
    /// When it is not ours.
    pub fn cluster_mut(&mut self) -> &mut Cluster {
        self.database.cluster.as_mut().unwrap_or_else(|| panic!("the database is somebody else's"))
    }

    /// A connection that sees and may do everything.
    ///
    /// # Panics
    /// When the database cannot be reached.
    pub async fn superuser(&self) -> PgConnection {
        self.cluster().superuser("noted").connect().await.unwrap_or_else(|error| panic!("no superuser: {error}"))
    }

    /// A connection of the schema's owner inside the tenant's workspace: it sees that workspace's rows and no others.
    ///
    /// # Panics
    /// When the database cannot be reached.
    pub async fn inside(&self, tenant: &Client) -> PgConnection {
        let connected = database::connect(&self.database.owner_url).await;
        let mut connection = connected.unwrap_or_else(|error| panic!("no owner: {error:#}"));
        let entered = sqlx::query("select set_config('noted.workspace_id', $1, false)").bind(tenant.key.workspace_id.to_string());
        if let Err(error) = entered.execute(&mut connection).await {
            panic!("no way into the workspace: {error}");
        }
        connection
    }

    /// A new folder of the tenant.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn folder(&self, tenant: &Client, name: &str) -> Uuid {
        let made = sqlx::query_scalar("insert into noted.folders (workspace_id, name) values ($1, $2) returning id");
        let made = made.bind(tenant.key.workspace_id).bind(name).fetch_one(&mut self.inside(tenant).await).await;
        made.unwrap_or_else(|error| panic!("no folder: {error}"))
    }

    /// Where the host serves.
    ///
    /// # Panics
    /// While the host is stopped.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        self.host.as_ref().map_or_else(|| panic!("the host is stopped"), Host::base_url)
    }

    /// Does what one round of the worker does.
    ///
    /// # Panics
    /// When the host does not do it.
    pub async fn run_round(&self) -> Round {
        self.ticker().embed().await.unwrap_or_else(|trouble| panic!("notes are not embedded: {trouble}"))
    }

    /// Does what one round of clearing away does.
    ///
    /// # Panics
    /// When the host does not do it.
    pub async fn run_collection(&self) -> Cleared {
        self.ticker().collect().await.unwrap_or_else(|trouble| panic!("nothing is cleared away: {trouble}"))
    }

    fn ticker(&self) -> Ticker {
        Ticker::new(self.base_url(), &self.secrets.jobs_secret).unwrap_or_else(|error| panic!("no ticker: {error:#}"))
    }

    /// Does all work that waits and can be done now, and answers what was done. What a round of another test is at is waited for.
    ///
    /// # Panics
    /// When the host does not do it, or there is no end to it.
    pub async fn run_jobs(&self) -> Round {
        let deadline = Instant::now() + JOBS_PATIENCE;
        let mut done = Round::default();
        loop {
            let round = self.run_round().await;
            done += round;
            if done.is_idle {
                self.wait_for_leases().await;
                return done;
            }
            assert!(Instant::now() < deadline, "there is no end to the work that waits: {done:?}");
        }
    }

    /// Waits until no note is leased, but not for a worker that has died.
    async fn wait_for_leases(&self) {
        let leased = "select exists (select from search.notes where embedding_status = 'in_progress' and due_at > now())";
        let mut superuser = self.superuser().await;
        let deadline = Instant::now() + LEASE_PATIENCE;
        while Instant::now() < deadline {
            let is_leased: bool = sqlx::query_scalar(leased).fetch_one(&mut superuser).await.unwrap_or_else(|error| panic!("{error}"));
            if !is_leased {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the components wrote to their logs so far.
    ///
    /// # Errors
    /// When the logs cannot be read.
    pub fn logs(&self) -> Result<String> {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.folder.path().join("host/logs"))? {
            text.push_str(&std::fs::read_to_string(entry?.path())?);
        }
        Ok(text)
    }

    /// A key in a new workspace, with what its kind usually may.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn tenant(&self) -> Client {
        self.tenant_with(|request| request).await
    }

    /// A key as `adjust` wants it, by default one of an editor in a new workspace without a rate limit.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn tenant_with(&self, adjust: impl FnOnce(KeyRequest) -> KeyRequest) -> Client {
        let key = self.make_key(adjust).await.unwrap_or_else(|error| panic!("no key: {error:#}"));
        Client::new(self.base_url().clone(), key)
    }

    /// A tenant whose key may do all that a person does, and whose texts may go to the provider.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn asker(&self) -> Client {
        let scopes = [Scope::NotesRead, Scope::NotesWrite, Scope::NotesDelete, Scope::IdeSync, Scope::RagQuery];
        let scopes = scopes.map(|scope| scope.name().to_owned()).to_vec();
        let client = self.tenant_with(|request| KeyRequest { scopes, ..request }).await;
        let consent = async {
            let mut owner = database::connect(&self.database.owner_url).await?;
            database::set_consent(&mut owner, client.key.workspace_id, true).await
        };
        consent.await.unwrap_or_else(|error| panic!("no consent: {error:#}"));
        client
    }

    /// As [`World::tenant_with`], but a refusal is the test's to judge.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn make_key(&self, adjust: impl FnOnce(KeyRequest) -> KeyRequest) -> Result<NewKey> {
        let request = KeyRequest {
            workspace: None,
            new_workspace: Some("test".to_owned()),
            email: format!("{}@example.com", Uuid::new_v4()),
            kind: KeyKind::Ide,
            scopes: Vec::new(),
            expires_days: 1,
            tier: Tier::Internal,
            test: true,
        };
        let mut connection = database::connect(&self.database.owner_url).await?;
        keys::create(&mut connection, &adjust(request), &self.secrets.key_pepper).await
    }
}

/// The shared world ends with its process and is never dropped, so each run removes what earlier ones left.
fn remove_leftovers() -> Result<()> {
    for entry in std::fs::read_dir(std::env::temp_dir())?.flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let process = name.strip_prefix(FOLDER_PREFIX).and_then(|rest| rest.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            // Somebody else's, or just being removed: either way not ours to care for.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Ends a process as a crash would.
fn crash(process_id: u32) {
    let killed = kill_at_once([process_id.to_string().as_str()]);
    assert!(killed.as_ref().is_ok_and(ExitStatus::success), "process {process_id} cannot be killed: {killed:?}");
}

/// `kill -9`: no handler runs, nothing is said to anybody.
fn kill_at_once<'a>(processes: impl IntoIterator<Item = &'a str>) -> std::io::Result<ExitStatus> {
    std::process::Command::new("kill").arg("-9").args(processes).stderr(Stdio::null()).status()
}

/// Asks again and again until `condition` answers something, at most for `patience`; then panics with `what`.
///
/// # Panics
/// When the time is over.
pub async fn eventually<T>(what: &str, patience: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} did not happen within {} s", patience.as_secs_f64());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
