//! The servers that this program is itself, as child processes: how they announce themselves, and how they end.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

/// The line that a peer prints once it serves.
#[derive(Serialize, Deserialize)]
struct Announcement {
    base_url: Url,
}

/// A running peer; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Peer {
    process: Child,
    base_url: Url,
}

impl Peer {
    /// Starts this program as a peer and waits until it serves. What it logs goes to `log`.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)], log: &Path) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(arguments)
            .envs(environment.iter().copied())
            // Closed when this process ends, however that happens: see `serve_until_alone`.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("a peer's standard output is piped")?).read_line(&mut line)?;
        match serde_json::from_str::<Announcement>(&line) {
            Ok(announcement) => Ok(Self { process, base_url: announcement.base_url }),
            Err(_) => {
                process.kill()?;
                process.wait()?;
                bail!("{} did not start: {}", arguments.join(" "), std::fs::read_to_string(log)?.trim())
            }
        }
    }

    pub(crate) fn base_url(&self) -> &Url {
        &self.base_url
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It holds nothing that could be lost.
        if let Err(error) = self.process.kill().and_then(|()| self.process.wait()) {
            eprintln!("warning: a peer was not stopped: {error}");
        }
    }
}

/// A peer's side: a socket on a free port, announced.
pub(crate) async fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let base_url = format!("http://{}/", listener.local_addr()?).parse()?;
    noted::output::line(&serde_json::to_string(&Announcement { base_url })?)?;
    Ok(listener)
}

/// Serves until the process that started this one is gone.
pub(crate) async fn serve_until_alone(serve: impl Future<Output = Result<()>>) -> Result<()> {
    let (gone, parent_is_gone) = oneshot::channel::<()>();
    // A thread of its own: it waits for ever, and the runtime would wait for it.
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        drop(gone);
    });
    tokio::select! {
        served = serve => served,
        _ = parent_is_gone => Ok(()),
    }
}
