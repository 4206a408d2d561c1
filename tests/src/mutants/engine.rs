//! Bugs of the engine and of the shared core, in a copy of the checkout that is built and tried like the checkout itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use regex_lite::Regex;
use serde::Deserialize;

use super::Verdict;
use crate::world::checkout;

/// The tests of which one must fail: histories, and those that have a name.
const TESTS: [&str; 2] = ["nothing_is_lost_and_everybody_agrees_in_the_end", "regressions::"];
/// Folders that are built, and no source.
const BUILT: [&str; 2] = ["target", "node_modules"];

/// A bug in one file.
#[derive(Clone, Debug, Deserialize)]
pub struct EngineMutant {
    /// What is wrong with it, in words.
    pub name: String,
    file: PathBuf,
    find: String,
    replace: String,
}

#[derive(Deserialize)]
struct List {
    mutant: Vec<EngineMutant>,
}

/// The list in `tests/mutants/rust.toml`.
///
/// # Errors
/// When it cannot be read.
pub fn engine_mutants() -> Result<Vec<EngineMutant>> {
    let list = std::fs::read_to_string(checkout().join("tests/mutants/rust.toml"))?;
    Ok(toml::from_str::<List>(&list).context("tests/mutants/rust.toml")?.mutant)
}

/// A copy of the checkout, with a target directory of its own that is kept for the next time.
#[derive(Debug)]
pub struct Checkout {
    root: PathBuf,
    target: PathBuf,
}

impl Checkout {
    /// Copies the sources to `target/prove`. What did not change keeps its time, so that it is not built again.
    ///
    /// # Errors
    /// When a file cannot be copied.
    pub fn copy() -> Result<Self> {
        let folder = checkout().join("target/prove");
        let copy = Self { root: folder.join("checkout"), target: folder.join("target") };
        let is_source = |entry: &walkdir::DirEntry| {
            let name = entry.file_name().to_string_lossy();
            entry.depth() == 0 || !(BUILT.contains(&&*name) || name.starts_with('.') && name != ".cargo")
        };
        for entry in walkdir::WalkDir::new(checkout()).into_iter().filter_entry(is_source) {
            let entry = entry?;
            let to = copy.root.join(entry.path().strip_prefix(checkout())?);
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(&to)?;
            } else {
                write_if_new(&to, &std::fs::read(entry.path())?)?;
            }
        }
        Ok(copy)
    }

    fn test(&self, histories: u32) -> Result<Output> {
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--release", "--quiet", "--test", "histories", "--target-dir"]).arg(&self.target).arg("--").args(TESTS);
        cargo.env("NOTED_HISTORIES", histories.to_string()).env("NOTED_MEMORY_ONLY", "1");
        // Dozens of builds, each of which differs from the one before it by a line or two.
        cargo.env("CARGO_INCREMENTAL", "1").current_dir(&self.root);
        cargo.output().context("cannot run cargo; is it on PATH?")
    }

    /// Shows that the copy passes without a bug.
    ///
    /// # Errors
    /// When it does not.
    pub fn pass(&self, histories: u32) -> Result<()> {
        let output = self.test(histories)?;
        ensure!(output.status.success(), "the copy of the checkout fails without any bug\n{}", text_of(&output));
        Ok(())
    }
}

impl EngineMutant {
    /// Puts the bug into the copy, tries it, and takes it out again.
    ///
    /// # Errors
    /// When the list does not fit the sources any more, or cargo cannot be run.
    pub fn judge(&self, copy: &Checkout, histories: u32) -> Result<Verdict> {
        let file = copy.root.join(&self.file);
        let original = std::fs::read_to_string(&file).with_context(|| format!("{}: {}", self.name, self.file.display()))?;
        let places = original.matches(&self.find).count();
        ensure!(places == 1, "{}: {places} places in {} say {:?}", self.name, self.file.display(), self.find);
        std::fs::write(&file, original.replacen(&self.find, &self.replace, 1))?;
        let output = copy.test(histories);
        std::fs::write(&file, original)?;
        verdict(&output?)
    }
}

fn verdict(output: &Output) -> Result<Verdict> {
    let text = text_of(output);
    let failed = Regex::new(r"history (\d+): ")?.captures(&text).and_then(|found| found[1].parse().ok());
    let named = Regex::new(r"(?m)^    regressions::(\w+)$")?.captures(&text).map(|found| found[1].replace('_', " "));
    Ok(match (failed, named) {
        _ if output.status.success() => Verdict::Survived,
        (Some(history), _) => Verdict::History(history),
        (None, Some(test)) => Verdict::Test(test),
        (None, None) => Verdict::Nonsense(text),
    })
}

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn write_if_new(to: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    std::fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))
}
