//! From nothing to serving: the same steps as `noted up`, timed; once with everything to be made, and once with everything there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use noted::database;
use noted::local::folders::Folders;
use noted::local::host::{Host, HostOptions};
use noted::local::project::Project;
use noted::local::secrets::Secrets;
use noted::local::stack::LocalDatabase;
use serde::Serialize;
use sqlx::Connection;

/// Twins and host share the components' role, whose limit is meant for the host alone.
const RAISE_LIMIT: &str = "alter role noted_app connection limit 180";

/// Seconds that a start took.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Start {
    pub(crate) postgres_s: f64,
    pub(crate) schema_s: f64,
    pub(crate) host_s: f64,
}

impl Start {
    pub(crate) fn total_s(&self) -> f64 {
        self.postgres_s + self.schema_s + self.host_s
    }
}

/// A place to start in: empty at first, full later.
pub(crate) struct Ground {
    pub(crate) project: Project,
    pub(crate) secrets: Secrets,
    downloads: PathBuf,
    folder: tempfile::TempDir,
    /// Compile everything at the first start, or use what other runs compiled.
    is_cold: bool,
}

/// A database and a host that serves the bundle on it. The host is dropped first.
pub(crate) struct Stack {
    pub(crate) host: Host,
    pub(crate) database: LocalDatabase,
}

impl Ground {
    pub(crate) fn new(is_cold: bool) -> Result<Self> {
        let project = Project::locate()?;
        let downloads = Folders::of_project(project.root())?.cache;
        let folder = tempfile::Builder::new().prefix("noted-bench-").tempdir()?;
        // PostgreSQL runs as another user when this program runs as root, and has to reach its folder.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        Ok(Self { project, secrets: Secrets::generate()?, downloads, folder, is_cold })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Starts database and host with what this folder holds.
    pub(crate) async fn start(&self) -> Result<(Stack, Start)> {
        let begin = Instant::now();
        let database = LocalDatabase::embedded(&self.downloads, &self.path().join("postgres"), &self.secrets).await?;
        let postgres_s = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        database.migrate(&self.secrets).await?;
        let schema_s = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let host = self.host(&database, self.project.manifest(), "host")?;
        let host_s = begin.elapsed().as_secs_f64();
        Ok((Stack { host, database }, Start { postgres_s, schema_s, host_s }))
    }

    /// Starts a host for a manifest, with the compiled modules that earlier starts left.
    pub(crate) fn host(&self, database: &LocalDatabase, manifest: PathBuf, name: &str) -> Result<Host> {
        let modules = self.path().join("modules").to_string_lossy().into_owned();
        let arguments = if self.is_cold { vec!["--cache-dir".to_owned(), modules] } else { Vec::new() };
        let options =
            HostOptions { manifest, listen: "127.0.0.1:0".to_owned(), variables: Vec::new(), state: self.path().join(name), arguments };
        database.serve(&self.secrets, options)
    }
}

/// Makes room for the twins.
pub(crate) async fn raise_limit(database: &LocalDatabase) -> Result<()> {
    let mut owner = database::connect(&database.owner_url).await?;
    sqlx::raw_sql(RAISE_LIMIT).execute(&mut owner).await?;
    Ok(owner.close().await?)
}
