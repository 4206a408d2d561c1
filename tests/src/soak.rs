//! Two folders that are watched and edited at random for minutes end the same, and nothing that was written is lost.
//!
//! The stack, the program and the files are real. Every text that is written has a token of its own, and in the end each token must be
//! somewhere: in a live note, in a revision, in the conflict log, or in a backup; unless the hand that wrote it has itself overwritten or
//! deleted it before it was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use walkdir::WalkDir;

use crate::client::Client;
use crate::world::World;

/// Names that files have: few, so that both sides meet.
const NAMES: [&str; 8] = ["a.md", "b.md", "c.md", "d.md", "notes/e.md", "notes/f.md", "notes/deep/g.md", "h i.md"];
const KEEPS: [&str; 5] = ["mine", "theirs", "both", "merged", "later"];
/// Rounds of syncing at the end before both must agree.
const ROUNDS_MAX: usize = 20;

/// What a soak came to.
#[derive(Clone, Copy, Debug)]
pub struct Soaked {
    /// Things that somebody did with a file.
    pub edits: usize,
    /// Texts that were written.
    pub texts: usize,
    /// Texts that are somewhere in the end. All others were overwritten or deleted by their writer before they were sent.
    pub kept: usize,
    /// Conflicts that were settled, while watching and at the end.
    pub decisions: usize,
}

impl fmt::Display for Soaked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { edits, texts, kept, decisions } = self;
        write!(f, "{edits} edits, {texts} texts of which {kept} were kept, {decisions} decisions: both folders the same, none lost")
    }
}

/// A folder, and what the hand in it did.
struct Hand {
    folder: tempfile::TempDir,
    watching: Option<Child>,
    written: usize,
    name: &'static str,
    /// What this hand wrote, by token, and whether it has itself replaced or removed it since.
    tokens: BTreeMap<String, bool>,
}

/// Edits two folders at random for so long while both are watched, and sees that they agree and that nothing is lost. A seed repeats the edits;
/// their timing is never the same. `tell` is called after each of them.
///
/// # Errors
/// When something is lost, the folders do not agree in the end, or watching ends by itself.
pub async fn soak(world: &World, seed: u64, length: Duration, tell: impl Fn()) -> Result<Soaked> {
    let mut random = Rng::with_seed(seed);
    let client = world.tenant().await;
    let mut hands = [Hand::new("one", &client)?, Hand::new("two", &client)?];
    let until = Instant::now() + length;
    let (mut edits, mut decisions) = (0, 0);
    while Instant::now() < until {
        let hand = &mut hands[random.usize(..2)];
        match random.u8(..40) {
            0 => decisions += hand.settle(&client, &mut random)?,
            _ => edits += usize::from(hand.act(&mut random)?),
        }
        tell();
        // The pace of a quick typist, not a wait for anything.
        tokio::time::sleep(Duration::from_millis(random.u64(5..120))).await;
    }
    let folders: Vec<Stopped> = hands.into_iter().map(Hand::stop).collect::<Result<_>>()?;
    decisions += agree(&client, &folders)?;
    let kept = kept_texts(world, &client, &folders).await?;
    let written = || folders.iter().flat_map(|(_, written)| written);
    let lost: Vec<&String> =
        written().filter(|(token, is_replaced)| !**is_replaced && !kept.contains(token.as_str())).map(|(token, _)| token).collect();
    ensure!(lost.is_empty(), "written and nowhere any more: {lost:?}");
    ensure!(edits > 0 && !kept.is_empty(), "nothing was edited, so nothing is shown");
    Ok(Soaked { edits, texts: written().count(), kept: kept.len(), decisions })
}

type Stopped = (tempfile::TempDir, BTreeMap<String, bool>);

impl Hand {
    fn new(name: &'static str, client: &Client) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let watching = Some(watch(client, folder.path())?);
        Ok(Self { folder, watching, written: 0, name, tokens: BTreeMap::new() })
    }

    /// One thing that somebody does with a file. Answers whether there was something to do it to.
    fn act(&mut self, random: &mut Rng) -> Result<bool> {
        let path = self.folder.path().join(NAMES[random.usize(..NAMES.len())]);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match random.u8(..10) {
            0..6 => self.save(&path, random.bool())?,
            6..8 => {
                let target = self.folder.path().join(NAMES[random.usize(..NAMES.len())]);
                if target == path || !path.exists() {
                    return Ok(false);
                }
                fs::create_dir_all(target.parent().context("a file lies in a folder")?)?;
                self.replaces(&target);
                // The file may have gone meanwhile: the other hand's deletion has arrived.
                let _ = fs::rename(&path, &target);
            }
            _ if path.exists() => {
                self.replaces(&path);
                let _ = fs::remove_file(&path);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Writes a text that nobody wrote before, in place or as editors do: beside, and then over.
    fn save(&mut self, path: &Path, is_atomic: bool) -> Result<()> {
        self.written += 1;
        let token = format!("token-{}-{}-end", self.name, self.written);
        let before = fs::read_to_string(path).unwrap_or_default();
        let text = format!("# {token}\n");
        self.mark(&before);
        if is_atomic {
            let beside = path.with_extension("md~");
            fs::write(&beside, &text)?;
            fs::rename(&beside, path)?;
        } else {
            fs::write(path, &text)?;
        }
        self.tokens.insert(token, false);
        Ok(())
    }

    /// What is at the path is about to go by this hand.
    fn replaces(&mut self, path: &Path) {
        let before = fs::read_to_string(path).unwrap_or_default();
        self.mark(&before);
    }

    fn mark(&mut self, text: &str) {
        if let Some(is_replaced) = text.trim_start_matches("# ").lines().next().and_then(|token| self.tokens.get_mut(token)) {
            *is_replaced = true;
        }
    }

    /// Stops watching, settles a conflict if there is one, and watches again.
    fn settle(&mut self, client: &Client, random: &mut Rng) -> Result<usize> {
        self.interrupt()?;
        let settled = settle_all(client, self.folder.path(), |_| KEEPS[random.usize(..KEEPS.len())])?;
        self.watching = Some(watch(client, self.folder.path())?);
        Ok(settled)
    }

    /// Ctrl-C, and what is in flight is finished.
    fn interrupt(&mut self) -> Result<()> {
        let Some(mut child) = self.watching.take() else { return Ok(()) };
        ensure!(child.try_wait()?.is_none(), "watching folder {} has ended by itself", self.name);
        let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
        let status = child.wait()?;
        // One that has only just begun does not listen yet, and is killed: that must lose nothing either.
        let ended = status.success() || status.signal() == Some(2);
        ensure!(interrupted.success() && ended, "watching folder {} ended with {status}", self.name);
        Ok(())
    }

    fn stop(mut self) -> Result<Stopped> {
        self.interrupt()?;
        Ok((self.folder, self.tokens))
    }
}

fn watch(client: &Client, folder: &Path) -> Result<Child> {
    Ok(noted(client, &["sync", &shown(folder), "--watch", "--poll", "1", "--json"])?.stdout(Stdio::null()).spawn()?)
}

/// Syncs and settles until both folders are the same and nothing is open. Answers how much was settled.
fn agree(client: &Client, folders: &[Stopped]) -> Result<usize> {
    let mut settled = 0;
    for round in 0..ROUNDS_MAX {
        for (place, (folder, _)) in folders.iter().enumerate() {
            // 1 says that a conflict is open; anything else is a failure.
            let status = noted(client, &["sync", &shown(folder.path())])?.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
            ensure!(matches!(status.code(), Some(0 | 1)), "the last sync ended with {status}");
            settled += settle_all(client, folder.path(), |number| KEEPS[(round + place + number) % 4])?;
        }
        let files: Vec<_> = folders.iter().map(|(folder, _)| files(folder.path())).collect::<Result<_>>()?;
        if files[0] == files[1] && conflicts(client, folders[0].0.path())?.is_empty() && conflicts(client, folders[1].0.path())?.is_empty()
        {
            return Ok(settled);
        }
    }
    anyhow::bail!("the folders are not the same after {ROUNDS_MAX} rounds")
}

fn settle_all(client: &Client, folder: &Path, mut keep: impl FnMut(usize) -> &'static str) -> Result<usize> {
    let open = conflicts(client, folder)?;
    for (number, path) in open.iter().enumerate() {
        let path = folder.join(path);
        // One that cannot be settled in this way stays open, and another way comes.
        noted(client, &["resolve", &shown(&path), "--keep", keep(number)])?.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    }
    Ok(open.len())
}

fn conflicts(client: &Client, folder: &Path) -> Result<Vec<String>> {
    let output = noted(client, &["conflicts", &shown(folder), "--json"])?.output()?;
    let open: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).with_context(|| format!("{output:?}"))?;
    Ok(open.iter().filter_map(|conflict| conflict["path"].as_str().map(str::to_owned)).collect())
}

/// The markdown files of a folder, without what is kept beside them.
fn files(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    texts_below(folder, |path| !path.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.')))
}

fn texts_below(folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> Result<BTreeMap<PathBuf, String>> {
    let mut found = BTreeMap::new();
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        let path = entry.path().strip_prefix(folder)?.to_owned();
        if entry.file_type().is_file() && path.extension().is_some_and(|extension| extension == "md") && is_wanted(&path) {
            found.insert(path, fs::read_to_string(entry.path())?);
        }
    }
    Ok(found)
}

/// Every token that is still somewhere: on the server, whatever became of its note, or in a backup.
async fn kept_texts(world: &World, client: &Client, folders: &[Stopped]) -> Result<BTreeSet<String>> {
    let stored = "select content from noted.notes union all select content from noted.note_revisions
                  union all select content from noted.conflict_texts";
    let stored: Vec<Option<String>> = sqlx::query_scalar(stored).fetch_all(&mut world.inside(client).await).await?;
    let mut texts: Vec<String> = stored.into_iter().flatten().collect();
    for (folder, _) in folders {
        texts.extend(texts_below(&folder.path().join(".noted-conflicts"), |_| true).unwrap_or_default().into_values());
        texts.extend(files(folder.path())?.into_values());
    }
    let token = |text: &String| text.split_whitespace().find(|word| word.starts_with("token-")).map(str::to_owned);
    Ok(texts.iter().filter_map(token).collect())
}

/// `noted` with the tenant's key, in no project.
fn noted(client: &Client, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name("noted"));
    command.args(arguments).env("NOTED_URL", client.base().as_str()).env("NOTED_API_KEY", &client.key.api_key).current_dir("/");
    Ok(command)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
