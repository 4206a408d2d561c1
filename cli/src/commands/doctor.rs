//! `noted doctor`: what is there, what is missing, and what to do about it.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::config::Connection;
use crate::database;
use crate::failure::{Failure, Kind, sentence};
use crate::local::folders::Folders;
use crate::local::postgres::{Installation, running_port};
use crate::local::project::Project;
use crate::local::secrets::Secrets;
use crate::local::stack::LocalDatabase;
use crate::output;

/// Arguments of `noted doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    found: String,
    /// What to do, when it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Not there, and not needed for everything.
    Missing,
    Broken,
}

/// Runs the command.
///
/// # Errors
/// When something is broken, or the findings cannot be printed.
pub async fn run(arguments: &DoctorArguments, connection: &Connection) -> Result<()> {
    let mut findings = vec![compiler(), wasm_target()];
    match Project::locate() {
        Ok(project) => {
            findings.push(components(&project));
            findings.push(host());
            findings.extend(database_and_schema(&project).await);
        }
        Err(error) => findings.push(Finding::missing("checkout", sentence(&error), "change into a checkout to see more")),
    }
    findings.push(server(connection).await);
    if arguments.json {
        output::json(&findings)?
    } else {
        findings.iter().try_for_each(print)?
    }
    let broken = findings.iter().filter(|finding| finding.state == State::Broken).count();
    if broken == 0 { Ok(()) } else { Err(Failure::new(Kind::Incomplete, format!("{} broken", output::count(broken, "thing"))).into()) }
}

fn print(finding: &Finding) -> Result<()> {
    let mark = match finding.state {
        State::Ok => "✓",
        State::Missing => "-",
        State::Broken => "✗",
    };
    output::line(&format!("{mark} {:<16} {}", finding.what, finding.found))?;
    finding.advice.map_or(Ok(()), |advice| output::line(&format!("  {:<16} -> {advice}", "")))
}

impl Finding {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, state: State::Ok, found: found.into(), advice: None }
    }

    fn missing(what: &'static str, found: impl Into<String>, advice: &'static str) -> Self {
        Self { what, state: State::Missing, found: found.into(), advice: Some(advice) }
    }

    fn broken(what: &'static str, found: impl Into<String>, advice: &'static str) -> Self {
        Self { what, state: State::Broken, found: found.into(), advice: Some(advice) }
    }
}

/// The first line a program prints, if it runs.
fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
}

fn compiler() -> Finding {
    match first_line("rustc", &["--version"]) {
        Some(version) => Finding::ok("compiler", version),
        None => Finding::missing("compiler", "rustc does not run", "needed to build from source: install Rust with rustup"),
    }
}

fn wasm_target() -> Finding {
    match first_line("rustc", &["--print", "target-libdir", "--target", "wasm32-wasip2"]) {
        Some(folder) if Path::new(&folder).is_dir() => Finding::ok("wasm32-wasip2", "installed by rustup"),
        _ => Finding::missing(
            "wasm32-wasip2",
            "not part of the compiler on PATH",
            "`cargo xtask build` installs it, or unpacks a compiler that has it",
        ),
    }
}

fn components(project: &Project) -> Finding {
    let advice = "build them with `cargo xtask build`";
    let sources = std::fs::read_to_string(project.manifest()).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let Some(table) = sources.as_ref().and_then(|manifest| manifest.get("component")?.as_table()) else {
        return Finding::broken("components", "spin.toml is not understood", "restore it from the repository");
    };
    let is_built = |component: &toml::Value| component.get("source")?.as_str().map(|source| project.root().join(source).is_file());
    let missing: Vec<&str> = table.iter().filter(|(_, c)| is_built(c) != Some(true)).map(|(name, _)| name.as_str()).collect();
    if missing.is_empty() {
        Finding::ok("components", format!("{} built", table.len()))
    } else {
        Finding::missing("components", format!("not built: {}", missing.join(", ")), advice)
    }
}

fn host() -> Finding {
    match crate::local::host::program() {
        Ok(program) => Finding::ok("host", program.display().to_string()),
        Err(error) => Finding::missing("host", sentence(&error), "build it with `cargo build --release --package noted-host`"),
    }
}

/// The server, and whether its schema is the one this program knows. Nothing is started.
async fn database_and_schema(project: &Project) -> Vec<Finding> {
    let looked_at = async {
        let folders = Folders::of_project(project.root())?;
        let is_external = database::configured_url()?.is_some();
        if !is_external && running_port(&folders.data.join("postgres"))?.is_none() {
            let found = if Installation::at(&folders.cache).is_present() { "installed, not running" } else { "not installed" };
            return Ok(vec![Finding::missing("database", found, "`noted up` installs and starts it; or set DATABASE_URL")]);
        }
        let local = LocalDatabase::open(&folders, &Secrets::load_or_create(&folders.data)?).await?;
        let mut connection = database::connect(&local.owner_url).await?;
        let version: String = sqlx::query_scalar("select current_setting('server_version')").fetch_one(&mut connection).await?;
        let pending = database::status(&mut connection).await?.iter().filter(|migration| !migration.applied).count();
        let schema = match pending {
            0 => Finding::ok("schema", "up to date"),
            pending => Finding::broken("schema", format!("{} pending", output::count(pending, "migration")), "run `noted migrate up`"),
        };
        anyhow::Ok(vec![Finding::ok("database", format!("PostgreSQL {version}")), schema])
    };
    looked_at
        .await
        .unwrap_or_else(|error| vec![Finding::broken("database", sentence(&error), "check DATABASE_URL and that the server runs")])
}

async fn server(connection: &Connection) -> Finding {
    let asked = async {
        let api = connection.resolve(".".as_ref())?.client()?;
        anyhow::Ok((api.server().to_string(), api.status().await?))
    };
    match asked.await {
        Ok((url, status)) => Finding::ok("server", format!("{url}, {} synced notes", status.total_synced_notes)),
        Err(error) => Finding::missing("server", sentence(&error), "start it with `noted up`, or set NOTED_URL and NOTED_API_KEY"),
    }
}
