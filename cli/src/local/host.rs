//! The host as a child process: started with the bundle's manifest, known by the address it prints, stopped gracefully.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use serde::Deserialize;
use url::Url;

use super::postgres::stop_process;

/// Longer than the host's own bound for requests in flight.
const STOP_PATIENCE: Duration = Duration::from_secs(35);

/// What a host is started with.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// The manifest to run.
    pub manifest: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    pub listen: String,
    /// Application variables, handed over in the environment so that no process list shows them.
    pub variables: Vec<(String, String)>,
    /// Where the key-value store and the logs go.
    pub state: PathBuf,
    /// Further arguments of the host.
    pub arguments: Vec<String>,
}

/// A running host; dropping it stops it.
#[derive(Debug)]
pub struct Host {
    process: Child,
    base_url: Url,
    log: PathBuf,
}

/// The line that the host prints once it serves.
#[derive(Deserialize)]
struct Announcement {
    base_url: Url,
}

impl Host {
    /// Starts the host and waits until it serves.
    ///
    /// # Errors
    /// When the host is not built, or ends before it serves: its last words are in the error.
    pub fn start(options: &HostOptions) -> Result<Self> {
        let program = program()?;
        fs::create_dir_all(&options.state)?;
        let log = options.state.join("host.log");
        // Ended with this process, however that ends; in its own process group, so that Ctrl-C reaches only us.
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--"])
            .arg(&program)
            .arg("-f")
            .arg(&options.manifest)
            .args(["--listen", &options.listen, "--format", "json", "--quiet", "--state-dir"])
            .arg(&options.state)
            .arg("--log-dir")
            .arg(options.state.join("logs"))
            .args(&options.arguments)
            .envs(options.variables.iter().map(|(name, value)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), value)))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("the host's standard output is piped")?).read_line(&mut line)?;
        match serde_json::from_str::<Announcement>(&line) {
            Ok(announcement) => Ok(Self { process, base_url: announcement.base_url, log }),
            Err(_) => {
                stop_process(&mut process, Signal::SIGTERM, STOP_PATIENCE)?;
                bail!("the host did not start\n{}", fs::read_to_string(&log).unwrap_or_default().trim())
            }
        }
    }

    /// Where it serves, without a trailing slash in its path.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The host's process, for tests that kill it and a bench that reads its memory.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// `Some` with the end of its log when the host has ended by itself.
    ///
    /// # Errors
    /// When the process cannot be asked.
    pub fn ended(&mut self) -> Result<Option<String>> {
        Ok(self
            .process
            .try_wait()?
            .map(|status| format!("the host ended with {status}\n{}", fs::read_to_string(&self.log).unwrap_or_default())))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Err(error) = stop_process(&mut self.process, Signal::SIGTERM, STOP_PATIENCE) {
            eprintln!("warning: the host was not stopped: {error:#}");
        }
    }
}

/// The host lies beside this program; a test's binary lies one folder deeper.
pub(crate) fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let candidates = own.ancestors().skip(1).take(2).map(|folder| folder.join("noted-host"));
    let mut found = candidates.filter(|path| Path::is_file(path));
    found.next().context("noted-host is not beside this program; build it with `cargo build --release --package noted-host`")
}
