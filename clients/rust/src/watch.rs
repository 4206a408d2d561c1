//! Keeps a folder and a server the same until told to stop.
//!
//! What an event of the file system says is not believed: it only says that it is worth looking. Events are gathered until none has come
//! for a while, and then the folder as it lies on disk decides, so that an editor that saves by deleting and renaming has saved, and
//! nothing else. A path that is gone is looked at once more after a grace, before its note is deleted.
//!
//! A server that is down is left alone: after a sync has failed with all of its attempts, one small request asks now and then whether the
//! server is back, and nothing else is sent before it is. What is saved meanwhile waits in the folder.

use std::path::{Component, Path};
use std::time::Duration;

use anyhow::{Context, Result};
use notify::{EventKind, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::api::Api;
use crate::engine::Event;
use crate::failure::{Failure, Kind};
use crate::session::{Progress, Session};

/// Events that come this close together are one.
const QUIET: Duration = Duration::from_millis(500);
/// The longest wait for quiet.
const QUIET_MAX: Duration = Duration::from_secs(30);
/// How long a path must be gone before its note is deleted.
const GRACE: Duration = Duration::from_secs(1);
/// Waits before a server that is down is asked whether it is back: doubled each time, up to this.
const OFFLINE_MAX: Duration = Duration::from_secs(30);

/// What is told while watching.
#[derive(Debug)]
pub enum Told {
    /// Something was sent or received.
    Happened(Event),
    /// The server cannot be reached, or cannot answer now. Said once.
    Offline(anyhow::Error),
    /// It answers again.
    Online,
    /// A person has to look at the folder. Said once.
    Waiting(anyhow::Error),
}

/// Syncs once, and then whenever files or notes change, until `stop` is there. What is in flight then is finished.
///
/// # Errors
/// When the folder cannot be watched, read or written, or the server refuses the key.
pub async fn watch(
    api: Api,
    folder: &Path,
    (merge, allows_delete): (bool, bool),
    poll: Duration,
    stop: impl Future<Output = ()>,
    tell: &mut (dyn FnMut(Told) + Send),
) -> Result<()> {
    let probe = api.asking_once();
    let mut session = Session::open(api, folder, merge)?.with_grace(GRACE).allowing_delete(allows_delete);
    let (_watcher, mut changes) = watch_files(session.root())?;
    let mut failures: u32 = 0;
    let mut is_waiting = false;
    tokio::pin!(stop);
    loop {
        // Never cut short: a request that has left is waited for.
        let mut report = |progress| {
            if let Progress::Happened(event) = progress {
                tell(Told::Happened(event));
            }
        };
        let is_back = if failures > 0 { probe.status().await.map(drop) } else { Ok(()) };
        let outcome = match is_back {
            Ok(()) => session.sync(&mut report).await,
            still_down => still_down,
        };
        let waits =
            outcome.as_ref().is_err_and(|error| error.downcast_ref::<Failure>().is_some_and(|failure| failure.kind == Kind::Unmeant));
        let waited = std::mem::replace(&mut is_waiting, waits);
        match outcome {
            Err(error) if waits => {
                if !waited {
                    tell(Told::Waiting(error));
                }
            }
            Ok(()) if failures > 0 => {
                failures = 0;
                tell(Told::Online);
            }
            Ok(()) => {}
            Err(error) if is_passing(&error) => {
                failures += 1;
                if failures == 1 {
                    tell(Told::Offline(error));
                }
            }
            Err(error) => return Err(error),
        }
        let wait = if failures == 0 { poll } else { poll.saturating_mul(1 << failures.min(6)).min(OFFLINE_MAX.max(poll)) };
        tokio::select! {
            () = &mut stop => return Ok(()),
            () = sleep(wait) => {}
            change = changes.recv(), if failures == 0 => {
                change.context("the folder cannot be watched any more")?;
                tokio::select! {
                    () = &mut stop => return Ok(()),
                    () = quiet(&mut changes) => {}
                }
            }
        }
    }
}

/// Whether trying again can help.
fn is_passing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Failure>().is_some_and(|failure| failure.kind == Kind::Unreachable)
}

/// Watches a folder. What is hidden, what is no markdown and what this program keeps there itself is nobody's change.
fn watch_files(root: &Path) -> Result<(notify::RecommendedWatcher, mpsc::UnboundedReceiver<()>)> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let folder = root.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // An error says that events were lost; then only a look tells.
        if event.is_ok_and(|event| !concerns_notes(&folder, &event)) {
            return;
        }
        // Nobody listens any more when watching ends.
        let _ = sender.send(());
    })?;
    watcher.watch(root, RecursiveMode::Recursive).with_context(|| format!("cannot watch {}", root.display()))?;
    Ok((watcher, receiver))
}

/// Whether an event is worth a look.
fn concerns_notes(root: &Path, event: &notify::Event) -> bool {
    let is_of_note = |path: &std::path::PathBuf| {
        let inside = path.strip_prefix(root).unwrap_or(path);
        let is_hidden = inside.components().any(|part| matches!(part, Component::Normal(name) if name.to_string_lossy().starts_with('.')));
        let is_markdown = path.extension().is_none_or(|extension| extension.eq_ignore_ascii_case("md"));
        !is_hidden && is_markdown
    };
    !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(is_of_note)
}

/// Waits until nothing has happened for a while.
async fn quiet(changes: &mut mpsc::UnboundedReceiver<()>) {
    let latest = Instant::now() + QUIET_MAX;
    loop {
        let until = (Instant::now() + QUIET).min(latest);
        tokio::select! {
            () = sleep_until(until) => return,
            next = changes.recv() => if next.is_none() || Instant::now() >= latest { return },
        }
    }
}
