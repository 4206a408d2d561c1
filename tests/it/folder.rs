//! `noted sync` on a folder, as a person would run it: the program itself, its output and its exit codes.

mod batches;
mod conflicts;
mod crash;
mod places;
mod resync;
mod strangers;
mod watch;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use noted_shared::domain::ContentHash;
use noted_tests::client::{Client, note_update};
use noted_tests::world::shared;
use serde_json::Value;
use tempfile::TempDir;
use walkdir::WalkDir;

/// `noted` with the tenant's key, in no project.
fn program(client: &Client, arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_conformance")).with_file_name("noted"));
    command.args(arguments).env("NOTED_URL", client.base().as_str()).env("NOTED_API_KEY", &client.key.api_key).current_dir("/");
    command
}

fn noted(client: &Client, arguments: &[&str]) -> Output {
    program(client, arguments).output().expect("noted runs; build it with `cargo build --release --package noted`")
}

/// Where what is remembered of a folder lies.
fn remembered(folder: &TempDir) -> PathBuf {
    noted_client::folder::home(folder.path()).expect("there is a place for it")
}

/// A folder, as an argument.
fn name(folder: &TempDir) -> &str {
    folder.path().to_str().expect("a temporary folder has a readable name")
}

fn read(folder: &TempDir, path: &str) -> Option<String> {
    std::fs::read_to_string(folder.path().join(path)).ok()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn write(folder: &Path, path: &str, text: &str) {
    let file = folder.join(path);
    std::fs::create_dir_all(file.parent().expect("a file lies in a folder")).expect("the folder can be made");
    std::fs::write(file, text).expect("the file can be written");
}

/// Path and hash of every markdown file in the folder.
fn on_disk(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| !entry.path().strip_prefix(folder).expect("inside the folder").starts_with(".noted-conflicts"))
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "md"))
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).expect("inside the folder").display().to_string();
            (path, ContentHash::of(&std::fs::read_to_string(entry.path()).expect("readable")).to_string())
        })
        .collect();
    files.sort();
    files
}

/// Path and hash of every note that `noted list` knows.
fn on_server(client: &Client) -> Vec<(String, String)> {
    let notes = json(&noted(client, &["list", "--json"]));
    let text = |note: &Value, field: &str| note[field].as_str().unwrap_or_default().to_owned();
    let mut notes: Vec<_> =
        notes.as_array().expect("a list").iter().map(|note| (text(note, "ide_file_path"), text(note, "content_sha256"))).collect();
    notes.sort();
    notes
}

#[tokio::test]
async fn a_folder_arrives_whole_and_then_only_what_changed_is_sent() {
    let client = shared().tenant().await;
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().to_str().unwrap();
    for number in 0..40 {
        write(folder.path(), &format!("part-{}/note {number}.md", number % 3), &format!("# Note {number}\n\ncaf\u{e9} \u{1f600}\r\n"));
    }

    let first = json(&noted(&client, &["sync", docs, "--json"]));
    assert_eq!((first["created"].as_array().unwrap().len(), first["unchanged"].as_u64()), (40, Some(0)));
    assert_eq!(on_disk(folder.path()), on_server(&client));

    let again = stdout(&noted(&client, &["sync", docs]));
    assert!(again.starts_with("Nothing to do: 40 notes up to date"), "{again}");

    write(folder.path(), "part-0/note 0.md", "# Note 0\n\nedited\n");
    std::fs::rename(folder.path().join("part-1/note 1.md"), folder.path().join("part-1/moved.md")).unwrap();
    std::fs::remove_file(folder.path().join("part-2/note 2.md")).unwrap();
    let dry = json(&noted(&client, &["sync", docs, "--dry-run", "--json"]));
    let third = json(&noted(&client, &["sync", docs, "--json"]));
    for summary in [dry, third] {
        assert_eq!(summary["created"], serde_json::json!([]));
        assert_eq!(summary["updated"], serde_json::json!(["part-0/note 0.md"]));
        assert_eq!(summary["renamed"], serde_json::json!([["part-1/note 1.md", "part-1/moved.md"]]));
        assert_eq!(summary["deleted"], serde_json::json!(["part-2/note 2.md"]));
        assert_eq!(summary["unchanged"], 37);
    }
    assert_eq!(on_disk(folder.path()), on_server(&client));
    let status = stdout(&noted(&client, &["status", docs]));
    assert!(status.contains("39 synced") && status.contains("39 files equal, in sync"), "{status}");
}

#[tokio::test]
async fn somebody_elses_edit_is_reported_and_neither_side_is_overwritten() {
    let client = shared().tenant().await;
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().to_str().unwrap();
    write(folder.path(), "a.md", "base\n");
    stdout(&noted(&client, &["sync", docs]));
    let notes = client.get("/v1/ide-sync/list").await.data(200);
    let note = &notes["notes"][0];
    client.update(note["id"].as_str().unwrap(), &note_update(note, "theirs\n")).await.data(200);

    write(folder.path(), "a.md", "mine\n");
    let refused = noted(&client, &["sync", docs]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stdout);
    assert!(said.contains("a.md: changed here and on the server; neither side was overwritten"), "{said}");
    assert_eq!(std::fs::read_to_string(folder.path().join("a.md")).unwrap(), "mine\n");
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0]["content"], "theirs\n");
}

#[tokio::test]
async fn two_folders_become_the_same() {
    let client = shared().tenant().await;
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for number in 0..12 {
        write(one.path(), &format!("part-{}/note {number}.md", number % 3), &format!("# Note {number}\n"));
    }
    stdout(&noted(&client, &["sync", name(&one)]));
    let received = json(&noted(&client, &["sync", name(&two), "--json"]));
    assert_eq!(received["received"].as_array().unwrap().len(), 12);
    assert_eq!(on_disk(one.path()), on_disk(two.path()));

    write(two.path(), "part-0/note 0.md", "edited in the second folder\n");
    write(two.path(), "new.md", "");
    std::fs::rename(two.path().join("part-1/note 1.md"), two.path().join("moved.md")).unwrap();
    std::fs::remove_file(two.path().join("part-2/note 2.md")).unwrap();
    stdout(&noted(&client, &["sync", name(&two)]));
    let dry = json(&noted(&client, &["sync", name(&one), "--dry-run", "--json"]));
    assert_ne!(on_disk(one.path()), on_disk(two.path()));
    let taken = json(&noted(&client, &["sync", name(&one), "--json"]));
    for summary in [dry, taken] {
        assert_eq!(summary["received"], serde_json::json!(["new.md", "part-0/note 0.md"]));
        assert_eq!(summary["received_renames"], serde_json::json!([["part-1/note 1.md", "moved.md"]]));
        assert_eq!(summary["received_deletes"], serde_json::json!(["part-2/note 2.md"]));
    }
    assert_eq!(on_disk(one.path()), on_disk(two.path()));
    assert_eq!(on_disk(one.path()), on_server(&client));
    let again = stdout(&noted(&client, &["sync", name(&two)]));
    assert!(again.starts_with("Nothing to do: 12 notes up to date"), "{again}");
}

#[tokio::test]
async fn a_lost_state_adopts_what_the_server_has_and_sends_nothing_twice() {
    let client = shared().tenant().await;
    let folder = tempfile::tempdir().unwrap();
    let docs = folder.path().to_str().unwrap();
    write(folder.path(), "a.md", "one\n");
    stdout(&noted(&client, &["sync", docs]));
    std::fs::remove_dir_all(remembered(&folder)).unwrap();

    let again = stdout(&noted(&client, &["sync", docs]));
    assert!(again.starts_with("Nothing to do: 1 note up to date"), "{again}");
    write(folder.path(), "a.md", "two\n");
    assert_eq!(json(&noted(&client, &["sync", docs, "--json"]))["updated"], serde_json::json!(["a.md"]));
}

#[tokio::test]
async fn exit_codes_tell_a_script_what_went_wrong() {
    let client = shared().tenant().await;
    let code = |url: &str, key: &str| {
        let program = Path::new(env!("CARGO_BIN_EXE_conformance")).with_file_name("noted");
        let output = Command::new(program).args(["list", "--url", url, "--key", key]).current_dir("/").output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let base = shared().base_url().as_str();
    assert_eq!(code(base, &client.key.api_key).0, Some(0));
    let (status, said) = code(base, "noted_sk_test_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(status, Some(4), "{said}");
    assert!(said.contains("Invalid or expired API key"), "{said}");
    // A port that nobody listens on: it was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (status, said) = code(&format!("http://{free}"), &client.key.api_key);
    assert_eq!(status, Some(3), "{said}");
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
}
