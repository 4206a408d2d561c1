//! Folders that somebody has prepared: links anywhere, odd names, files that look like Noted's own. Whatever `noted` is asked to do in one, nothing outside
//! of it changes, no request leaves for an address that the folder names, and the command ends.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::world::World;

/// Trees that share a workspace: what one has sent is received by the next.
const TREES_A_WORKSPACE: u32 = 20;
/// Longer than any command takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Names that mean something to Noted.
const OWN: [&str; 11] = [
    ".noted",
    ".noted/sync.json",
    ".noted/sync.lock",
    ".noted/texts",
    ".noted/conflicts.log",
    ".noted/config.toml",
    ".noted-conflicts",
    ".noted-conflicts/a.md.2020-01-31T09-30-00Z.ide.md",
    ".noted-conflicts/docs",
    ".noted-conflicts/.gitignore",
    ".gitignore",
];

/// Names that notes may have, or that look so.
const NOTES: [&str; 14] = [
    "a.md",
    "A.md",
    "docs",
    "docs/a.md",
    "docs/deep/b.md",
    "docs/deep",
    "x y.md",
    "-rf.md",
    "$(touch x);.md",
    "two\nlines.md",
    "\u{1b}[2J.md",
    "\u{202e}dm.md",
    "caf\u{65}\u{301}.md",
    "con.md",
];

/// What was tried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tried {
    /// Trees, each with a command.
    pub trees: u32,
    /// Links in them.
    pub links: u32,
    /// Commands that ended well.
    pub done: u32,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trees, links, done } = self;
        write!(f, "{trees} trees with {links} links, {done} commands done and the others refused: nothing outside was touched")
    }
}

/// What lies outside.
struct Outside {
    folder: TempDir,
    before: Vec<(PathBuf, Vec<u8>, SystemTime)>,
    /// Listens where the trees say that their server is.
    listener: TcpListener,
}

/// Tries so many trees. A seed repeats them. `tell` is called after each.
///
/// # Errors
/// What was touched, or what did not end.
pub async fn try_trees(world: &World, seed: u64, trees: u32, tell: impl Fn()) -> Result<Tried> {
    // Test binaries lie in a folder of their own.
    let beside = std::env::current_exe()?;
    let program = beside.ancestors().skip(1).take(2).map(|folder| folder.join("noted")).find(|program| program.is_file());
    let program = program.context("noted is not beside this program; build it with `cargo build --release --package noted`")?;
    let (outside, mut random, mut tried) = (Outside::new()?, Rng::with_seed(seed), Tried::default());
    let mut client = world.tenant().await;
    for number in 0..trees {
        if number % TREES_A_WORKSPACE == 0 {
            client = world.tenant().await;
            client.note("docs/a.md", "a note for a folder that may be a link").await;
            client.note("a.md", "a note for a file that may be a link").await;
        }
        let tree = tempfile::tempdir()?;
        let mut made = Vec::new();
        for _ in 0..random.usize(2..12) {
            made.push(outside.prepare(tree.path(), &mut random, &mut tried)?);
        }
        let mut command = Command::new(&program);
        let name = tree.path().as_os_str();
        let file = tree.path().join("a.md");
        let arguments: Vec<&OsStr> = match random.u8(..8) {
            0..4 => vec![OsStr::new("sync"), name],
            4 => vec![OsStr::new("sync"), name, OsStr::new("--dry-run")],
            5 => vec![OsStr::new("status"), name],
            6 => vec![OsStr::new("conflicts"), name],
            _ => vec![OsStr::new("resolve"), file.as_os_str(), OsStr::new("--keep"), OsStr::new("theirs")],
        };
        command.args(&arguments).env("NOTED_API_KEY", &client.key.api_key).env("NOTED_URL", client.base().as_str()).current_dir(&tree);
        // Where the tree names no server there is one that nobody runs, and that is asked again and again.
        let config = tree.path().join(".noted/config.toml");
        if config.is_file() && fs::read_to_string(config).is_ok_and(|text| text.starts_with("url")) && random.bool() {
            command.env_remove("NOTED_URL");
        }
        let told = || format!("NOTED_SEED={seed}, tree {number}: noted {arguments:?} with {made:?}");
        tried.done += u32::from(ends(command).await.with_context(told)?);
        outside.must_be_as_before().with_context(told)?;
        tried.trees += 1;
        tell();
    }
    Ok(tried)
}

/// Whether a command ended well. It has to end, and never by a signal.
async fn ends(mut command: Command) -> Result<bool> {
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = process.try_wait()? {
            let code = status.code().context("it was ended by a signal")?;
            ensure!((0..=4).contains(&code), "exit code {code}");
            return Ok(code == 0);
        }
        if Instant::now() > deadline {
            process.kill()?;
            process.wait()?;
            anyhow::bail!("it does not end");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Outside {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let old = SystemTime::now() - Duration::from_secs(90 * 24 * 3600);
        for path in ["a.md", "docs/a.md", "docs/a.md.2020-01-31T09-30-00Z.ide.md", "sync.json", "texts/text", "secret", ".gitignore"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
            fs::write(&path, "outside\n")?;
            File::options().write(true).open(&path)?.set_modified(old)?;
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Self { before: everything(folder.path())?, folder, listener })
    }

    fn must_be_as_before(&self) -> Result<()> {
        ensure!(everything(self.folder.path())? == self.before, "something outside was touched");
        match self.listener.accept() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            _ => anyhow::bail!("a request left for the address that the folder names"),
        }
    }

    /// Puts something into a tree; what is there already may keep it out.
    fn prepare(&self, tree: &Path, random: &mut Rng, tried: &mut Tried) -> Result<PathBuf> {
        let long = format!("{}.md", "n".repeat(252));
        let name = match random.u8(..10) {
            0..5 => OsStr::new(OWN[random.usize(..OWN.len())]),
            5 => OsStr::from_bytes(b"caf\xe9.md"),
            6 => OsStr::new(&long),
            _ => OsStr::new(NOTES[random.usize(..NOTES.len())]),
        };
        let path = tree.join(name);
        // Through a link that was made before, this would be our own doing.
        let parent = path.parent().context("a file lies in a folder")?;
        if parent != tree && parent.ancestors().take_while(|folder| *folder != tree).any(Path::is_symlink) {
            return Ok(path);
        }
        // What is there stays: a pipe would hold up whoever writes to it, and a link would lead the writer out.
        if path.symlink_metadata().is_ok() || fs::create_dir_all(parent).is_err() {
            return Ok(path);
        }
        let outside = self.folder.path();
        let _ = match random.u8(..10) {
            0..5 => {
                tried.links += 1;
                let targets = [
                    outside.to_owned(),
                    outside.join("docs"),
                    outside.join("a.md"),
                    outside.join("secret"),
                    outside.join("new"),
                    tree.to_owned(),
                ];
                symlink(&targets[random.usize(..targets.len())], &path)
            }
            5 => fs::create_dir(&path),
            6 => Command::new("mkfifo").arg(&path).status().map(drop),
            7 => fs::write(&path, format!("url = \"http://{}/\"\n", self.listener.local_addr()?)),
            _ => fs::write(&path, ["", "text\n", "{}", "{\"server\":\"x\"}", "caf\0"][random.usize(..5)]),
        };
        Ok(path)
    }
}

/// Every file of a folder, with its bytes and when it was changed.
fn everything(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>, SystemTime)>> {
    let mut all = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        let bytes = if entry.file_type().is_file() { fs::read(entry.path())? } else { Vec::new() };
        let modified = entry.metadata()?.modified()?;
        all.push((entry.into_path(), bytes, modified));
    }
    Ok(all)
}
