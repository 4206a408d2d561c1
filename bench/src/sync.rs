//! A folder of real documents, synced by the code behind `noted sync`: reading, hashing, asking, sending, remembering.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use noted::config::Settings;
use noted_client::session::sync;
use serde::Serialize;
use url::Url;

/// What a sync took.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct SyncFigures {
    pub(crate) documents: usize,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    /// The same again, with nothing to do.
    pub(crate) again_seconds: f64,
}

/// Syncs a copy of the corpus into a workspace that has none of it, then once more.
pub(crate) async fn measure(corpus: &Path, documents_max: usize, server: &Url, api_key: &str) -> Result<SyncFigures> {
    // A copy, because a synced folder remembers its server.
    let folder = tempfile::tempdir()?;
    let documents = copy(corpus, folder.path(), documents_max)?;
    let api = Settings { url: server.clone(), api_key: api_key.to_owned() }.client()?;
    let bytes = size(folder.path())?;
    let (first, second) =
        (sync(&api, folder.path(), (false, false), &mut |_| {}).await?, sync(&api, folder.path(), (false, false), &mut |_| {}).await?);
    ensure!(first.is_complete() && first.created.len() == documents, "{} of {documents} documents were made", first.created.len());
    ensure!(second.sent() == 0, "the second sync sent {} changes", second.sent());
    Ok(SyncFigures { documents, bytes, seconds: first.seconds, again_seconds: second.seconds })
}

fn size(folder: &Path) -> Result<u64> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

/// Copies the documents of one folder; those of the corpus lie side by side.
fn copy(from: &Path, to: &Path, documents_max: usize) -> Result<usize> {
    let mut names: Vec<_> = fs::read_dir(from)?.flatten().map(|entry| entry.file_name()).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"));
    names.sort();
    names.truncate(documents_max);
    for name in &names {
        fs::copy(from.join(name), to.join(name))?;
    }
    Ok(names.len())
}
