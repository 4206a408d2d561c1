//! `cargo xtask test`: everything that must hold before a change lands, cheapest first, stopping at the first failure.

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{build, progress::Step, tidy};

/// Runs all checks; `filter` is handed to the tests.
pub(crate) fn all(workspace: &Workspace, filter: &[String]) -> Result<()> {
    quietly(workspace, "format", &["fmt", "--all", "--check"])?;
    tidy::check(workspace)?;
    build::components(workspace, &[])?;
    build::components(workspace, &["probe".to_owned()])?;
    build::programs(workspace, &["noted-tests", "noted-bench"])?;
    // In the release profile, so that procedural macros and build scripts are compiled once for the lints and for the programs.
    quietly(workspace, "lints", &["clippy", "--release", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"])?;
    tests(workspace, filter)
}

/// Unit, property, contract, conformance and fault tests: cargo's own output, because a reader wants the names.
fn tests(workspace: &Workspace, filter: &[String]) -> Result<()> {
    // What knows Spin is compiled for components alone, but for its unit tests.
    let edge = ["--package", "noted-shared", "--features", "edge", "--lib"];
    let of_edge = ["edge::".to_owned()];
    let passed = test(workspace, &edge, if filter.is_empty() { &of_edge } else { filter })?;
    if !(test(workspace, &[], filter)? && passed) {
        bail!("tests failed; their names are in the output above");
    }
    Ok(())
}

/// Whether all passed.
fn test(workspace: &Workspace, what: &[&str], filter: &[String]) -> Result<bool> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--release", "--no-fail-fast"]).args(what).arg("--").args(filter);
    Ok(cargo.status().context("cannot run cargo; is it on PATH?")?.success())
}

/// One cargo call as one line, with its output only when it fails.
fn quietly(workspace: &Workspace, title: &str, arguments: &[&str]) -> Result<()> {
    let step = Step::start(title);
    let output = workspace.cargo().args(arguments).output().context("cannot run cargo; is it on PATH?")?;
    if !output.status.success() {
        drop(step);
        bail!("{title} failed\n{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    step.done("clean");
    Ok(())
}
