//! `cargo xtask`: the verbs of a contributor. The program builds, checks and starts what the repository holds; it has no logic of the product.
//!
//! Deliberately light on dependencies, because it is compiled before anything can show progress.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

mod build;
mod check;
mod progress;
mod tidy;
mod toolchain;
mod workspace;

use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, check and run Noted from a checkout", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what is missing, build what runs, and run Noted on http://127.0.0.1:3000 until Ctrl-C
    Up(Passed),
    /// Build the WebAssembly components (all of them, or those named)
    Build {
        /// Component names as in spin.toml, for example `ide-sync-create`
        components: Vec<String>,
    },
    /// Format, lints, tidy, unit, contract and conformance tests: what CI runs
    Test {
        /// Passed on to the tests, for example a part of a test's name
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        filter: Vec<String>,
    },
    /// Hold the structure of the repository: names, dependencies, sizes, headers
    Tidy,
    /// Run the list of host behaviours against a server: `--url http://127.0.0.1:3000`
    Conformance(Passed),
    /// Try sync and search for half an hour, and see that deliberate bugs are caught; `-- --help` tells how to do less
    Prove(Passed),
    /// Ask questions whose answers are known, through the running bundle: how well search works
    Eval(Passed),
    /// Measure the bundle beside its native twin, in interleaved rounds
    Bench(Passed),
}

/// Arguments that belong to the program behind a verb; `--help` after `--` shows them.
#[derive(Args)]
struct Passed {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    match run(Cli::parse().verb) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    match verb {
        Verb::Up(passed) => {
            build::components(&workspace, &[])?;
            build::programs(&workspace, &[])?;
            hand_over(&workspace, "noted", [&["up".to_owned()][..], &passed.arguments].concat())
        }
        Verb::Build { components } => build::components(&workspace, &components).map(|()| ExitCode::SUCCESS),
        Verb::Test { filter } => check::all(&workspace, &filter).map(|()| ExitCode::SUCCESS),
        Verb::Tidy => tidy::check(&workspace).map(|()| ExitCode::SUCCESS),
        Verb::Conformance(passed) => {
            build::components(&workspace, &["probe".to_owned()])?;
            build::programs(&workspace, &["noted-tests"])?;
            hand_over(&workspace, "conformance", passed.arguments)
        }
        Verb::Prove(passed) => {
            build::components(&workspace, &[])?;
            build::programs(&workspace, &["noted-tests"])?;
            hand_over(&workspace, "prove", passed.arguments)
        }
        Verb::Eval(passed) => {
            build::components(&workspace, &[])?;
            build::programs(&workspace, &["noted-tests"])?;
            hand_over(&workspace, "eval", passed.arguments)
        }
        Verb::Bench(passed) => {
            build::components(&workspace, &[])?;
            build::components(&workspace, &["probe".to_owned()])?;
            build::programs(&workspace, &["noted-bench"])?;
            hand_over(&workspace, "noted-bench", passed.arguments)
        }
    }
}

/// Becomes one of the programs just built, so that Ctrl-C and exit codes reach it and not a process in between.
fn hand_over(workspace: &Workspace, program: &str, arguments: Vec<String>) -> Result<ExitCode> {
    let program = workspace.program(program);
    let failure = Command::new(&program).args(arguments).current_dir(workspace.root()).exec();
    Err(failure).with_context(|| format!("cannot run {}", program.display()))
}
