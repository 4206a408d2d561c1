//! Carries a plan out: several notes at once, the state saved as they are acknowledged, nothing counted before the server said so.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use futures::{StreamExt, stream};
use indicatif::ProgressBar;
use noted_shared::domain::{Content, ContentHash, FileMetadata, NotePath, OriginId, Title, VersionVector};
use noted_shared::limits::TITLE_CHARS_MAX;
use noted_shared::wire::{NoteIn, NoteOut, NoteUpdate, PathTaken};
use serde::Serialize;

use super::plan::{Action, Held, HeldReason, Plan, RemoteNote, plan};
use super::scan::{LocalFile, Scan, Skipped, read_text, scan, title_of};
use super::state::{Seen, SyncState};
use crate::api::{Api, Refusal};
use crate::failure::Failure;

/// Requests in flight. More do not help: the workspace's counter puts its writes in a row.
const CONCURRENCY: usize = 16;
/// Acknowledged notes between two saves of the state.
const SAVE_EVERY: usize = 100;

/// What a sync did, or in a dry run would do.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// True when nothing was sent on purpose.
    pub dry_run: bool,
    /// Paths of new notes.
    pub created: Vec<String>,
    /// Paths of changed notes.
    pub updated: Vec<String>,
    /// Moved notes, from and to.
    pub renamed: Vec<(String, String)>,
    /// Paths of deleted notes.
    pub deleted: Vec<String>,
    /// Files that were equal on both sides.
    pub unchanged: usize,
    /// Left as they are, because somebody else changed them.
    pub held: Vec<Held>,
    /// Files that cannot become notes.
    pub skipped: Vec<Skipped>,
    /// Refused by the server.
    pub failed: Vec<Skipped>,
    /// Bytes of text sent.
    pub bytes_sent: u64,
    /// Wall-clock time of the whole sync.
    pub seconds: f64,
}

impl Summary {
    /// Notes created, updated, renamed or deleted.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.created.len() + self.updated.len() + self.renamed.len() + self.deleted.len()
    }

    /// True when every file is on the server as it is here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.held.is_empty() && self.failed.is_empty()
    }
}

/// Compares the folder with the server without sending anything.
///
/// # Errors
/// When the folder cannot be read or the server cannot be asked.
pub async fn compare(api: &Api, folder: &Path, bar: &ProgressBar) -> Result<(Scan, SyncState, Plan)> {
    bar.set_message("reading the folder");
    let scan = scan(folder)?;
    let state = SyncState::load(folder, api.server().as_str())?;
    bar.set_message("asking the server");
    let notes = api.list(|known, total| bar.set_message(format!("asking the server: {known} of {total} notes"))).await?;
    let plan = plan(&scan, &remote_by_path(notes), &state.files);
    Ok((scan, state, plan))
}

/// Brings the folder to the server.
///
/// # Errors
/// When the folder cannot be read, the state cannot be saved, or the server cannot be reached or refuses the key. What was acknowledged
/// until then is remembered. A note that the server refuses is no error of the whole: it is in the summary.
pub async fn sync(api: &Api, folder: &Path, dry_run: bool, bar: &ProgressBar) -> Result<Summary> {
    let started = Instant::now();
    let (scan, mut state, plan) = compare(api, folder, bar).await?;
    let mut summary = Summary { dry_run, unchanged: plan.agreed.len(), held: plan.held, skipped: scan.skipped, ..Summary::default() };
    if dry_run {
        plan.actions.iter().for_each(|action| summary.count(action, 0));
    } else {
        state.files.extend(plan.agreed);
        state.files.retain(|path, _| !plan.forgotten.contains(path));
        let outcome = send_all(api, &scan.files, &plan.actions, &mut state, &mut summary, bar).await;
        state.save()?;
        outcome.with_context(|| format!("stopped after {} of {} changes; run it again to go on", summary.changes(), plan.actions.len()))?;
    }
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

fn remote_by_path(notes: Vec<NoteOut>) -> BTreeMap<String, RemoteNote> {
    let with_path = notes.into_iter().filter_map(|note| {
        let path = note.ide_file_path?.to_string();
        Some((path, RemoteNote { note_id: note.id, hash: note.content_sha256, version_vector: note.version_vector }))
    });
    with_path.collect()
}

async fn send_all(
    api: &Api,
    files: &BTreeMap<String, LocalFile>,
    actions: &[Action],
    state: &mut SyncState,
    summary: &mut Summary,
    bar: &ProgressBar,
) -> Result<()> {
    bar.set_length(actions.len() as u64);
    bar.set_message("sending");
    // Deletes and renames free paths; what needs those paths waits for them.
    let first_write = actions.iter().position(|action| matches!(action, Action::Create { .. } | Action::Update { .. }));
    let (freeing, writing) = actions.split_at(first_write.unwrap_or(actions.len()));
    let origin = state.origin.clone();
    let mut acknowledged = 0;
    for group in [freeing, writing] {
        let origin = &origin;
        let sending = group.iter().map(async |action| (action, send(api, files, action, origin).await));
        let mut results = stream::iter(sending).buffer_unordered(CONCURRENCY);
        while let Some((action, result)) = results.next().await {
            summary.take(action, result?, state);
            bar.inc(1);
            acknowledged += 1;
            if acknowledged % SAVE_EVERY == 0 {
                state.save()?;
            }
        }
    }
    Ok(())
}

/// What became of one action.
enum Sent {
    /// The server has it: what to remember (nothing after a delete), and how many bytes of text went out.
    Acknowledged(Option<Seen>, u64),
    /// Somebody else was there first.
    Conflict,
    /// The server or the disk said no.
    Failed(String),
}

/// Sends one action. An error ends the whole sync; everything that concerns this note alone is a [`Sent`].
async fn send(api: &Api, files: &BTreeMap<String, LocalFile>, action: &Action, origin: &OriginId) -> Result<Sent> {
    let sent = match action {
        Action::Create { path } => create(api, path, &files[path], origin).await,
        Action::Update { path, note_id, version_vector } | Action::Rename { path, note_id, version_vector, .. } => {
            let update = update_of(path, &files[path], origin, version_vector);
            match update {
                Ok(update) => api.update(*note_id, &update).await.map(|note| acknowledged(note, update.content.as_str().len())),
                Err(error) => Err(error),
            }
        }
        Action::Delete { note_id, version_vector, .. } => {
            api.delete(*note_id, origin.as_str(), version_vector).await.map(|()| Sent::Acknowledged(None, 0))
        }
    };
    match sent {
        Ok(sent) => Ok(sent),
        Err(error) if error.downcast_ref::<Failure>().is_some() => Err(error),
        Err(error) => match error.downcast_ref::<Refusal>() {
            Some(refusal) if refusal.status.as_u16() == 409 => Ok(Sent::Conflict),
            _ => Ok(Sent::Failed(format!("{error:#}"))),
        },
    }
}

async fn create(api: &Api, path: &str, file: &LocalFile, origin: &OriginId) -> Result<Sent> {
    let content = read_text(&file.file)?;
    let note = NoteIn {
        title: title(path, &content)?,
        content_sha256: ContentHash::of(content.as_str()),
        content,
        ide_file_path: Some(NotePath::parse(path)?),
        ide_last_modified: file.modified,
        sync_origin_id: origin.clone(),
        folder_id: None,
        note_type: None,
        source_metadata: serde_json::Map::new(),
        file_metadata: FileMetadata::default(),
    };
    match api.create(&note).await {
        Ok(created) => Ok(acknowledged(created, note.content.as_str().len())),
        Err(error) => adopt(&error, note.content_sha256).ok_or(error),
    }
}

/// The path was taken meanwhile, by a note with exactly this text: then both sides agree already.
fn adopt(error: &anyhow::Error, hash: ContentHash) -> Option<Sent> {
    let details = error.downcast_ref::<Refusal>()?.problem.details.clone()?;
    let taken: PathTaken = serde_json::from_value(details).ok()?;
    let note = taken.noted_version;
    (note.content_sha256 == hash)
        .then_some(Sent::Acknowledged(Some(Seen { note_id: note.id, hash, version_vector: note.version_vector }), 0))
}

fn update_of(path: &str, file: &LocalFile, origin: &OriginId, seen: &VersionVector) -> Result<NoteUpdate> {
    let content = read_text(&file.file)?;
    Ok(NoteUpdate {
        title: Some(title(path, &content)?),
        content_sha256: ContentHash::of(content.as_str()),
        content,
        ide_last_modified: file.modified,
        sync_origin_id: origin.clone(),
        version_vector: seen.clone(),
        ide_file_path: Some(NotePath::parse(path)?),
        folder_id: None,
        file_metadata: None,
        last_known_updated_at: None,
    })
}

fn title(path: &str, content: &Content) -> Result<Title> {
    Ok(Title::parse(&title_of(path, content.as_str(), TITLE_CHARS_MAX))?)
}

fn acknowledged(note: NoteOut, bytes: usize) -> Sent {
    Sent::Acknowledged(Some(Seen { note_id: note.id, hash: note.content_sha256, version_vector: note.version_vector }), bytes as u64)
}

impl Summary {
    fn take(&mut self, action: &Action, sent: Sent, state: &mut SyncState) {
        match sent {
            Sent::Acknowledged(seen, bytes) => {
                self.count(action, bytes);
                if let Action::Rename { from, .. } = action {
                    state.files.remove(from);
                }
                match seen {
                    Some(seen) => state.files.insert(action.path().to_owned(), seen),
                    None => state.files.remove(action.path()),
                };
            }
            Sent::Conflict => self.held.push(Held { path: action.path().to_owned(), reason: HeldReason::ChangedOnBoth }),
            Sent::Failed(reason) => self.failed.push(Skipped { path: action.path().to_owned(), reason }),
        }
    }

    fn count(&mut self, action: &Action, bytes: u64) {
        self.bytes_sent += bytes;
        match action {
            Action::Create { path } => self.created.push(path.clone()),
            Action::Update { path, .. } => self.updated.push(path.clone()),
            Action::Rename { from, path, .. } => self.renamed.push((from.clone(), path.clone())),
            Action::Delete { path, .. } => self.deleted.push(path.clone()),
        }
    }
}
