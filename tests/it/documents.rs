//! What documents print is run as it is printed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use noted::keys::{KeyKind, KeyRequest};
use noted_tests::routes::{KEYED, SCOPES};
use noted_tests::world::{World, checkout, shared};
use serde_json::Value;
use sqlx::ConnectOptions;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use walkdir::WalkDir;

fn document(name: &str) -> String {
    fs::read_to_string(checkout().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The blocks of shell commands of a document, in their order.
fn commands(document: &str) -> Vec<&str> {
    let blocks = document.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default()).collect()
}

#[tokio::test]
async fn every_request_of_the_interface_runs_as_it_is_printed() {
    let scopes = SCOPES.map(str::to_owned).to_vec();
    let client = shared().tenant_with(|request| KeyRequest { kind: KeyKind::User, scopes, ..request }).await;
    let document = document("docs/api.md");
    let blocks = commands(&document);
    assert!(blocks.len() >= 8, "{} blocks", blocks.len());
    let script = format!("set -euo pipefail\n{}", blocks.join("\n"));
    let url = client.base().as_str().trim_end_matches('/').to_owned();
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(script).env("NOTED_URL", url).env("NOTED_API_KEY", &client.key.api_key);
    let output = shell.stdin(Stdio::null()).output().await.unwrap();
    let (answers, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}\n{answers}");
    assert_eq!(answers.matches("\"errors\":[]").count() + 2, blocks.join("\n").matches("noted_api ").count(), "{answers}");
}

#[test]
fn the_interface_lists_every_route_with_its_scopes_and_no_other() {
    let document = document("docs/api.md");
    let listed: BTreeSet<(String, String)> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter(|(route, _)| route.contains(" /"))
        .filter_map(|(route, rest)| Some((route.to_owned(), rest.split_once(" |")?.0.to_owned())))
        .collect();
    let known = KEYED.iter().map(|route| {
        let path = route.path.split('?').next().unwrap_or_default();
        let path = path.strip_suffix("/1").map_or_else(|| path.to_owned(), |path| format!("{path}/{{version}}"));
        let scopes: Vec<String> = route.scopes.iter().map(|scope| format!("`{scope}`")).collect();
        (format!("{} {path}", route.method), if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") })
    });
    assert_eq!(listed, known.collect());
}

#[test]
fn the_interface_says_what_to_do_about_every_error() {
    let codes = document("shared/src/error/code.rs");
    let codes: BTreeSet<&str> = codes.lines().filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\",")).collect();
    assert!(codes.len() > 20, "{codes:?}");
    let document = document("docs/api.md");
    let errors = document.split("## Errors").nth(1).unwrap();
    let listed: BTreeSet<&str> = errors
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1))
        .flat_map(|codes| codes.split('`').skip(1).step_by(2))
        .collect();
    assert_eq!(listed, codes);
}

#[test]
fn the_figures_of_the_readme_are_not_older_than_the_schema() {
    let document = document("README.md");
    let figures = document.split("## How fast").nth(1).unwrap();
    let measured = figures.split("`cargo xtask bench").nth(1).unwrap().split_whitespace().find(|word| word.starts_with("20")).unwrap();
    let measured = measured.trim_end_matches([':', '.', ',', ')']);
    let mut git = std::process::Command::new("git");
    git.args(["log", "-1", "--format=%cs", "--", "migrations/*.up.sql"]).current_dir(checkout());
    let changed = String::from_utf8(git.output().unwrap().stdout).unwrap();
    assert!(changed.trim().len() == 10 && measured.len() == 10, "{changed:?} {measured:?}");
    assert!(measured >= changed.trim(), "the figures are of {measured}, and the schema has changed on {changed}");
}

#[test]
fn every_promise_of_security_names_tests_that_there_are() {
    let sources = ["tests", "cli/src", "clients/rust/src"].into_iter().flat_map(|folder| WalkDir::new(checkout().join(folder))).flatten();
    let sources = sources.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"));
    let tests: String = sources.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect();
    let document = document("SECURITY.md");
    let promises: Vec<&str> = document.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Promise")).collect();
    assert!(promises.len() > 20, "{} promises", promises.len());
    for promise in promises {
        let named: Vec<&str> = promise.rsplit('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test is named: {promise}");
        for test in named {
            assert!(tests.contains(&format!("fn {test}()")), "{test} is no test");
        }
    }
}

/// Where the programs lie that `cargo xtask up` has built.
fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_conformance")).parent().unwrap()
}

/// Every document of the repository.
fn documents() -> Vec<PathBuf> {
    let is_inside = |name: &str| !matches!(name, "target" | ".git" | ".noted" | ".spin");
    let files = WalkDir::new(checkout()).into_iter().filter_entry(|entry| entry.file_name().to_str().is_some_and(is_inside)).flatten();
    files.map(walkdir::DirEntry::into_path).filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// What a document says that somebody can type: the lines of its blocks, and what stands between backticks, if it begins with one of our programs.
fn typed(document: &str) -> Vec<String> {
    let mut typed = Vec::new();
    let mut is_block = false;
    for line in document.lines() {
        if line.starts_with("```") {
            is_block = !is_block;
        } else if is_block {
            typed.extend(line.split("&&").map(|command| command.split(" #").next().unwrap_or_default().trim().to_owned()));
        } else {
            typed.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    let begins = |command: &String| ["noted ", "cargo xtask ", "target/release/noted "].iter().any(|program| command.starts_with(program));
    typed.retain(begins);
    typed
}

/// A command that is known takes `--help` behind everything that was printed, and one that is not complains first.
#[tokio::test]
async fn every_command_that_a_document_names_is_one() {
    let mut commands = BTreeSet::new();
    for path in documents() {
        commands.extend(typed(&fs::read_to_string(&path).unwrap()));
    }
    assert!(commands.len() > 30, "{commands:?}");
    let mut wrong = Vec::new();
    for command in commands {
        // In capitals stands what the reader puts in.
        let filled_in = |word| match word {
            "URL" => "http://127.0.0.1:1",
            "NUMBER" => "1",
            "ID" => "01a214bf-0784-73d4-a4ad-a6aede2dc7fc",
            word => word,
        };
        let command = command.split(' ').map(filled_in).collect::<Vec<_>>().join(" ");
        let script = format!(
            "noted() {{ '{programs}/noted' \"$@\" --help; }}; target/release/noted() {{ noted \"$@\"; }}; cargo() {{ command cargo \"$@\" --help; }}; {command}",
            programs = programs().display()
        );
        let mut shell = Command::new("bash");
        let output = shell
            .arg("-c")
            .arg(script)
            .current_dir(checkout())
            .env("DATABASE_URL", "postgres://127.0.0.1:1/noted")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        if !output.status.success() {
            wrong.push(format!("{command}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_readme_is_true_for_somebody_who_has_just_started_it() {
    let client = shared().asker().await;
    let document = document("README.md");
    let blocks = commands(&document);
    let block = blocks.iter().find(|block| block.starts_with("target/release/noted sync")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("target")).unwrap();
    std::os::unix::fs::symlink(programs(), folder.path().join("target/release")).unwrap();
    fs::create_dir_all(folder.path().join("docs")).unwrap();
    for file in fs::read_dir(checkout().join("docs")).unwrap().flatten().filter(|file| file.path().is_file()) {
        fs::copy(file.path(), folder.path().join("docs").join(file.file_name())).unwrap();
    }
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(format!("set -euo pipefail\n{block}")).current_dir(&folder).stdin(Stdio::null());
    shell.env("NOTED_URL", client.base().as_str()).env("NOTED_API_KEY", &client.key.api_key);
    let output = shell.output().await.unwrap();
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}\n{told}");
    let files = fs::read_dir(folder.path().join("docs")).unwrap().flatten().filter(|file| file.path().is_file()).count();
    let notes = client.get("/v1/ide-sync/list?include_content=false").await.data(200);
    assert_eq!(notes["total"], files, "{told}");
    assert!(told.contains("1. "), "the question has an answer: {told}");
}

/// The host has the flags of Spin, so it stands in for it: everything else of the block runs as it is printed.
#[tokio::test]
async fn the_readme_is_true_for_whoever_runs_it_on_a_database_of_their_own() {
    let world = World::of_database().await.unwrap();
    sqlx::raw_sql("create database readme").execute(&mut world.superuser().await).await.unwrap();
    let mut owner = world.cluster().superuser("readme").to_url_lossy();
    owner.set_query(None);
    let place = format!("{}:{}", owner.host_str().unwrap(), owner.port().unwrap());
    let document = document("README.md");
    let blocks = commands(&document);
    let block = blocks.iter().find(|block| block.contains("spin up")).unwrap();
    let block = block
        .replace("postgres://owner:...@db/noted", owner.as_str())
        .replace("@db/noted", &format!("@{place}/readme"))
        .replace("...", "placeholder-of-more-than-32-bytes");
    let state = tempfile::tempdir().unwrap();
    let spin = format!(
        "spin() {{ if [ \"$1\" = up ]; then shift; exec noted-host \"$@\" --listen 127.0.0.1:0 --format json --state-dir '{state}/state' --log-dir ''; fi; }}",
        state = state.path().display()
    );
    let installed = WalkDir::new(noted::local::folders::Folders::of_project(checkout()).unwrap().cache).into_iter().flatten();
    let psql = installed.map(walkdir::DirEntry::into_path).find(|path| path.ends_with("pginstall18/bin/psql")).unwrap();
    let path =
        [programs(), psql.parent().unwrap(), Path::new(&std::env::var("PATH").unwrap())].map(|path| path.display().to_string()).join(":");
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(format!("set -euo pipefail\n{spin}\n{block}")).env("PATH", path).current_dir(checkout());
    let mut running = shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let mut told = Vec::new();
    let base = loop {
        let Some(line) = lines.next_line().await.unwrap() else { panic!("it ended: {told:?}") };
        if let Some(url) = serde_json::from_str::<Value>(&line).ok().and_then(|told| told["base_url"].as_str().map(str::to_owned)) {
            break url;
        }
        told.push(line);
    };
    let health: Value = reqwest::get(format!("{base}/health")).await.unwrap().json().await.unwrap();
    assert_eq!(health["data"]["status"], "healthy", "{health}");
    running.kill().await.unwrap();
}
