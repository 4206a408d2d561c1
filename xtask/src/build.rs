//! Runs cargo and shows its work as a bar: crates done of crates to do, and all of cargo's output when something fails.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::progress::Step;
use crate::toolchain::WasmToolchain;
use crate::workspace::Workspace;

/// The cargo profile of components, and so the name of the folder they are built into.
const COMPONENT_PROFILE: &str = "component";
const WASM_TARGET: &str = "wasm32-wasip2";
/// The packages that run Noted: all that a newcomer waits for.
pub(crate) const PRODUCT: [&str; 2] = ["noted", "noted-host"];

/// Builds components into `target/components`; all of `spin.toml` when `names` is empty.
pub(crate) fn components(workspace: &Workspace, names: &[String]) -> Result<()> {
    let toolchain = WasmToolchain::ensure()?;
    let names = if names.is_empty() { workspace.components()? } else { names.to_vec() };
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--profile", COMPONENT_PROFILE, "--target", WASM_TARGET, "--target-dir"]).arg(workspace.component_target());
    toolchain.apply(&mut cargo);
    let title = if let [one] = names.as_slice() { format!("component {one}") } else { format!("{} components", names.len()) };
    cargo_with_progress(workspace, cargo, &names, &title)
}

/// Builds native programs into `target/release`: those that run Noted, and those of `others`.
///
/// Cargo unites the features of what is built together; the manifests ask for the same ones everywhere, so that wasmtime is compiled once.
pub(crate) fn programs(workspace: &Workspace, others: &[&str]) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release"]);
    let packages: Vec<String> = PRODUCT.iter().chain(others).map(|&package| package.to_owned()).collect();
    cargo_with_progress(workspace, cargo, &packages, "native programs")
}

/// The part of cargo's JSON messages that a bar and an error report need.
#[derive(Deserialize)]
struct CargoMessage {
    reason: String,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    fresh: bool,
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    rendered: Option<String>,
}

fn cargo_with_progress(workspace: &Workspace, mut cargo: Command, packages: &[String], title: &str) -> Result<()> {
    let step = Step::of(title, crates_to_build(workspace, packages)?);
    for package in packages {
        cargo.args(["--package", package]);
    }
    cargo.args(["--message-format", "json-diagnostic-rendered-ansi", "--quiet"]);
    let mut child =
        cargo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cannot run cargo; is it on PATH?")?;
    let mut stderr = child.stderr.take().context("cargo's standard error is piped")?;
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let mut seen = HashSet::new();
    let mut compiled = 0_usize;
    let mut diagnostics = String::new();
    for line in BufReader::new(child.stdout.take().context("cargo's standard output is piped")?).lines() {
        let Ok(message) = serde_json::from_str::<CargoMessage>(&line?) else { continue };
        if let Some(rendered) = message.message.and_then(|diagnostic| diagnostic.rendered) {
            diagnostics.push_str(&rendered);
        }
        if message.reason == "compiler-artifact" && seen.insert(message.package_id.clone()) {
            compiled += usize::from(!message.fresh);
            step.advance(crate_name(&message.package_id));
        }
    }
    if !child.wait()?.success() {
        drop(step);
        let stderr = errors.join().ok().and_then(Result::ok).unwrap_or_default();
        bail!("{title} did not build\n{diagnostics}{stderr}");
    }
    step.done(&if compiled == 0 { "nothing to do".to_owned() } else { format!("{compiled} crates compiled") });
    Ok(())
}

/// How many packages a build of `packages` goes through, for the bar's length.
fn crates_to_build(workspace: &Workspace, packages: &[String]) -> Result<u64> {
    let mut tree = workspace.cargo();
    tree.args(["tree", "--quiet", "--prefix", "none", "--format", "{p}", "--edges", "normal,build"]);
    for package in packages {
        tree.args(["--package", package]);
    }
    let output = tree.output().context("cannot run cargo; is it on PATH?")?;
    if !output.status.success() {
        bail!("cargo cannot read the workspace\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let listing = String::from_utf8_lossy(&output.stdout);
    let crates: HashSet<&str> = listing.lines().filter(|line| !line.is_empty()).map(|line| line.trim_end_matches(" (*)")).collect();
    Ok(crates.len() as u64)
}

/// `registry+…#serde@1.0.0` or `path+file:///…/shared#noted-shared@0.1.0` as a reader knows it: `serde`, `noted-shared`.
fn crate_name(package_id: &str) -> &str {
    let fragment = package_id.rsplit('#').next().unwrap_or(package_id);
    match fragment.split_once('@') {
        Some((name, _version)) => name,
        None => package_id.split('#').next().and_then(|path| path.rsplit('/').next()).unwrap_or(package_id),
    }
}

#[cfg(test)]
mod tests {
    use super::crate_name;

    #[test]
    fn a_crate_is_shown_by_its_name() {
        for (package_id, name) in [
            ("registry+index#serde@1.0.228", "serde"),
            ("path+file:///checkout/shared#noted-shared@0.1.0", "noted-shared"),
            ("path+file:///checkout/functions/health#0.1.0", "health"),
        ] {
            assert_eq!(crate_name(package_id), name);
        }
    }
}
