//! What documents print is run as it is printed.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use noted::keys::{KeyKind, KeyRequest};
use noted_tests::routes::{KEYED, SCOPES};
use noted_tests::world::{checkout, shared};
use tokio::process::Command;

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
fn every_promise_of_security_names_tests_that_there_are() {
    let sources = walkdir::WalkDir::new(checkout().join("tests")).into_iter().flatten();
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
