//! The whole of Noted on this machine, in the order it starts: database, schema, host.

use std::path::Path;

use anyhow::{Context, Result};
use url::Url;
use uuid::Uuid;

use super::folders::Folders;
use super::host::{Host, HostOptions};
use super::postgres::{Cluster, Installation, running_port};
use super::project::Project;
use super::secrets::Secrets;
use crate::database;

/// The role that owns the schema; not a superuser, so that row security holds for its functions too.
const OWNER: &str = "noted";
/// The role of the components.
pub const APP_ROLE: &str = "noted_app";
/// The role of the worker that fetches embeddings.
pub const WORKER_ROLE: &str = "noted_worker";
const DATABASE: &str = "noted";

/// A database that is ready for the bundle.
#[derive(Debug)]
pub struct LocalDatabase {
    /// The embedded server, when this process started it.
    pub cluster: Option<Cluster>,
    /// How the owner connects.
    pub owner_url: Url,
    /// How the components connect.
    pub app_url: Url,
    /// How the worker connects.
    pub worker_url: Url,
}

impl LocalDatabase {
    /// The project's database: `DATABASE_URL` if set, else the embedded server, started unless it is running already.
    ///
    /// # Errors
    /// When the database cannot be reached or started.
    pub async fn open(folders: &Folders, secrets: &Secrets) -> Result<Self> {
        if let Some(url) = database::configured_url()? {
            return Self::external(url, secrets);
        }
        let folder = folders.data.join("postgres");
        match running_port(&folder)? {
            Some(port) => Self::on_port(port, None, secrets),
            None => Self::embedded(&folders.cache, &folder, secrets).await,
        }
    }

    /// Starts the embedded server, with its data in `folder`.
    ///
    /// # Errors
    /// When PostgreSQL cannot be installed or started.
    pub async fn embedded(cache: &Path, folder: &Path, secrets: &Secrets) -> Result<Self> {
        let installation = Installation::ensure(cache)?;
        let cluster = Cluster::start(&installation, folder, &secrets.superuser_password).await?;
        database::create_owner(&cluster.superuser("postgres"), &cluster.superuser(DATABASE), OWNER, &secrets.owner_password).await?;
        Self::on_port(cluster.port(), Some(cluster), secrets)
    }

    fn on_port(port: u16, cluster: Option<Cluster>, secrets: &Secrets) -> Result<Self> {
        let url = |user: &str, password: &str| format!("postgres://{user}:{password}@127.0.0.1:{port}/{DATABASE}?sslmode=disable").parse();
        Ok(Self {
            cluster,
            owner_url: url(OWNER, &secrets.owner_password)?,
            app_url: url(APP_ROLE, &secrets.app_password)?,
            worker_url: url(WORKER_ROLE, &secrets.worker_password)?,
        })
    }

    /// Uses a server that somebody else runs.
    ///
    /// # Errors
    /// When `owner_url` cannot carry another user.
    pub fn external(owner_url: Url, secrets: &Secrets) -> Result<Self> {
        let url = |user: &str, password: &str| {
            let mut url = owner_url.clone();
            let replaced = url.set_username(user).and_then(|()| url.set_password(Some(password)));
            replaced.ok().context("DATABASE_URL must have the form postgres://user:password@host/database")?;
            anyhow::Ok(url)
        };
        let (app_url, worker_url) = (url(APP_ROLE, &secrets.app_password)?, url(WORKER_ROLE, &secrets.worker_password)?);
        Ok(Self { cluster: None, owner_url, app_url, worker_url })
    }

    /// Brings the schema up to date and gives the roles of the components and the worker their passwords. Answers how many migrations ran.
    ///
    /// # Errors
    /// When a migration fails; it is rolled back and named.
    pub async fn migrate(&self, secrets: &Secrets) -> Result<usize> {
        let mut connection = database::connect(&self.owner_url).await?;
        let applied = database::up(&mut connection).await?;
        database::set_password(&mut connection, APP_ROLE, &secrets.app_password).await?;
        database::set_password(&mut connection, WORKER_ROLE, &secrets.worker_password).await?;
        Ok(applied)
    }

    /// Starts a host on this database.
    ///
    /// # Errors
    /// When the host does not start.
    pub fn serve(&self, secrets: &Secrets, mut options: HostOptions) -> Result<Host> {
        options.variables.push(("database_url".to_owned(), self.app_url.to_string()));
        options.variables.push(("worker_database_url".to_owned(), self.worker_url.to_string()));
        options.variables.push(("key_pepper".to_owned(), secrets.key_pepper.clone()));
        options.variables.push(("jobs_secret".to_owned(), secrets.jobs_secret.clone()));
        // What components may reach is written without a path.
        let provider = options.variables.iter().find(|(name, _)| name == "voyage_base_url").and_then(|(_, url)| Url::parse(url).ok());
        if let Some(provider) = provider {
            options.variables.push(("voyage_host".to_owned(), provider.origin().ascii_serialization()));
        }
        Host::start(&options)
    }
}

/// The database for a command that works as its owner.
#[derive(Debug)]
pub struct OwnerDatabase {
    /// How the owner connects.
    pub url: Url,
    /// The pepper of the project's keys; an operator's own is not known here.
    pub key_pepper: Option<String>,
    /// The workspace of `noted up`, if this is its database.
    pub workspace: Option<Uuid>,
    /// Kept running as long as this value lives.
    _server: Option<Cluster>,
}

impl OwnerDatabase {
    /// `DATABASE_URL` if set, from anywhere; else the database of the project around the current folder.
    ///
    /// # Errors
    /// When there is neither, or the database cannot be started.
    pub async fn open() -> Result<Self> {
        if let Some(url) = database::configured_url()? {
            return Ok(Self { url, key_pepper: None, workspace: None, _server: None });
        }
        let project = Project::locate().context("DATABASE_URL is not set")?;
        let folders = Folders::of_project(project.root())?;
        let secrets = Secrets::load_or_create(&folders.data)?;
        let local = LocalDatabase::open(&folders, &secrets).await?;
        let workspace = secrets.development.as_ref().map(|development| development.workspace_id);
        Ok(Self { url: local.owner_url, key_pepper: Some(secrets.key_pepper), workspace, _server: local.cluster })
    }
}
