//! What a sync would do, found out by letting the engine do it to a copy: nothing is sent, written or saved.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use noted_shared::domain::{Timestamp, Title};

use super::summary::Summary;
use crate::api::Api;
use crate::engine::{Disk, Effect, Engine, LocalFile, Task};
use crate::folder;

/// Compares a folder with the server.
///
/// # Errors
/// When the folder cannot be read or the server cannot be asked.
pub async fn preview(api: &Api, folder: &Path) -> Result<Summary> {
    let started = Instant::now();
    let (scan, state) = folder::look(folder, api.server().as_str())?;
    let mut disk = scan.disk;
    let mut engine = Engine::new(state, "preview", false);
    let mut summary = Summary { dry_run: true, skipped: scan.skipped, ..Summary::default() };
    engine.begin();
    loop {
        match engine.next_task() {
            Task::Done => break,
            Task::Scan => engine.scanned(&disk),
            Task::Keep(_) => engine.kept(|_| true),
            Task::Save => engine.saved(),
            Task::Send(_) => engine.pretend_sent(),
            Task::Ask(request) => match api.changes(&request).await? {
                Ok(page) => engine.page(page),
                Err(reason) => engine.resync(reason),
            },
            Task::Apply(effects) => {
                for effect in &effects {
                    pretend(&mut disk, effect)?;
                }
                engine.applied();
            }
        }
        engine.take_events().into_iter().for_each(|event| summary.take(event));
    }
    summary.finish_preview(engine.state(), started);
    Ok(summary)
}

fn pretend(disk: &mut Disk, effect: &Effect) -> Result<()> {
    match effect {
        Effect::Write { path, text, hash, .. } => {
            let bytes = text.as_ref().map_or(0, |text| text.len() as u64);
            let title = Title::parse("received").map_err(anyhow::Error::new)?;
            disk.files.insert(path.clone(), LocalFile { hash: *hash, bytes, title, modified: Timestamp::EPOCH });
        }
        Effect::Remove { path, .. } => {
            disk.files.remove(path);
        }
        Effect::Move { from, to, .. } => {
            if let Some(file) = disk.files.remove(from) {
                disk.files.insert(to.clone(), file);
            }
        }
        Effect::Backup { .. } => {}
    }
    Ok(())
}
