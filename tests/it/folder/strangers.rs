//! Somebody else's repository: whatever it carries, nothing outside of it is touched, no key leaves, and no note is deleted by what it says of itself.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use noted_tests::client::{Client, id_of};
use noted_tests::histories::proof::seed;
use noted_tests::trees::try_trees;
use noted_tests::world::shared;
use tempfile::TempDir;

use super::{name, noted, on_disk, program, remembered, stdout, write};

/// A folder outside, with what the traps lead to.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("photos/a.jpg", "picture"),
        ("photos/old.md.2026-01-31T09-30-00Z.ide.md", "looks like a copy of ours"),
        (".bashrc", "# my bashrc"),
        ("authorized_keys", "ssh-ed25519 key"),
        ("secret.md", "a secret"),
        ("docs/a.md", "mine"),
    ] {
        write(home.path(), path, text);
        let sixty_days_ago = SystemTime::now() - Duration::from_secs(60 * 24 * 3600);
        File::options().write(true).open(home.path().join(path)).unwrap().set_modified(sixty_days_ago).unwrap();
    }
    home
}

/// Every file below a folder with its text and when it was changed.
fn everything(folder: &Path) -> Vec<(String, String, SystemTime)> {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
    let told = files.filter(|entry| entry.file_type().is_file()).map(|entry| {
        let modified = entry.metadata().unwrap().modified().unwrap();
        (entry.path().display().to_string(), fs::read_to_string(entry.path()).unwrap(), modified)
    });
    told.collect()
}

/// What a commit can hold: links to what is outside, and Noted's own files.
fn trapped(home: &TempDir, evil: &str, state: &str) -> TempDir {
    let repository = tempfile::tempdir().unwrap();
    let root = repository.path();
    fs::create_dir(root.join(".noted")).unwrap();
    write(root, ".noted/config.toml", &format!("url = \"{evil}\"\n"));
    write(root, ".noted/sync.json", state);
    write(root, "README.md", "# A project\n");
    write(root, "a;touch PWNED;.md", "a name that a shell would run\n");
    for (link, target) in [
        (".noted-conflicts", "photos"),
        (".noted/sync.lock", "authorized_keys"),
        (".noted/conflicts.log", ".bashrc"),
        (".noted/texts", "photos"),
        ("docs", "docs"),
        ("secret.md", "secret.md"),
    ] {
        symlink(home.path().join(target), root.join(link)).unwrap();
    }
    repository
}

/// As [`noted`], without an address of the user's own.
fn without_address(client: &Client, arguments: &[&str], folder: &TempDir) -> Output {
    let mut command = program(client, arguments);
    command.env_remove("NOTED_URL").current_dir(folder).output().unwrap()
}

#[tokio::test]
async fn a_strangers_repository_is_synced_without_harm() {
    let client = shared().tenant().await;
    let mine = client.note("mine.md", "what the prepared state says is synced here").await;
    client.note("docs/a.md", "somebody else's text for a folder that is a link here").await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let evil = format!("http://{}/", listener.local_addr().unwrap());

    // A state that says: this note was synced here, and its file is gone.
    let copied_from = tempfile::tempdir().unwrap();
    stdout(&noted(&client, &["sync", name(&copied_from)]));
    let state = fs::read_to_string(remembered(&copied_from).join("sync.json")).unwrap();
    assert!(state.contains("mine.md"));

    let home = home();
    let before = everything(home.path());
    let repository = trapped(&home, &evil, &state);
    for arguments in [
        &["sync", "."][..],
        &["sync", ".", "--dry-run"],
        &["status", "."],
        &["query", "secret"],
        &["list"],
        &["trash"],
        &["conflicts", "."],
    ] {
        let refused = without_address(&client, arguments, &repository);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            refused.status.code() == Some(4) && said.contains("your key was not sent") && said.contains("noted trust"),
            "{arguments:?}: {refused:?}"
        );
    }
    assert!(listener.accept().is_err(), "no request leaves for an address that nobody confirmed");
    assert_eq!(everything(home.path()), before);

    // With the user's own address: what is in the repository is synced, the rest is told, and nothing hangs.
    let mut syncing = program(&client, &["sync", name(&repository)])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let started = SystemTime::now();
    while syncing.try_wait().unwrap().is_none() {
        assert!(started.elapsed().unwrap() < Duration::from_secs(30), "it never ends");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let output = syncing.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(everything(home.path()), before);
    assert!(listener.accept().is_err());
    let notes = client.get("/v1/notes").await.data(200);
    assert!(notes["notes"].to_string().contains(id_of(&mine)), "a prepared state deletes nothing");
    assert!(!notes.to_string().contains("a secret"), "and nothing outside is read");
    for again in ["sync", "status"] {
        noted(&client, &[again, name(&repository)]);
        assert_eq!(everything(home.path()), before, "{again}");
    }
}

#[tokio::test]
async fn an_address_is_confirmed_once_for_a_folder_and_another_one_is_asked_for_again() {
    let client = shared().tenant().await;
    let (folder, config) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(folder.path(), ".noted/config.toml", &format!("url = \"{}\"\n", client.base()));
    let run = |arguments: &[&str]| {
        let mut command: Command = program(&client, arguments);
        command.env_remove("NOTED_URL").env("XDG_CONFIG_HOME", config.path()).current_dir(&folder).output().unwrap()
    };
    assert_eq!(run(&["list"]).status.code(), Some(4));
    assert!(stdout(&run(&["trust"])).contains(client.base().as_str()));
    stdout(&run(&["list"]));
    write(folder.path(), ".noted/config.toml", "url = \"http://127.0.0.1:9/\"\n");
    assert_eq!(run(&["list"]).status.code(), Some(4), "another address in the same file");
    // Over plain http no key goes to another machine at all.
    let plain = noted(&client, &["list", "--url", "http://192.0.2.1/"]);
    assert!(plain.status.code() == Some(4) && String::from_utf8_lossy(&plain.stderr).contains("plain http"), "{plain:?}");
}

#[tokio::test]
async fn an_answer_that_points_elsewhere_is_not_followed() {
    let client = shared().tenant().await;
    let (server, elsewhere) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        elsewhere.local_addr().unwrap()
    );
    std::thread::spawn(move || {
        for mut connection in server.incoming().flatten() {
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    let refused = noted(&client, &["list", "--url", &url]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("307") && said.contains("not one of Noted's"), "{refused:?}");
    assert!(elsewhere.accept().is_err(), "neither key nor text goes there");
}

#[tokio::test]
async fn what_an_earlier_release_remembered_in_the_folder_is_taken_over_when_its_user_says_so() {
    let client = shared().tenant().await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.md", "one\n");
    write(folder.path(), "b.md", "two\n");
    stdout(&noted(&client, &["sync", name(&folder)]));
    fs::create_dir(folder.path().join(".noted")).unwrap();
    fs::rename(remembered(&folder).join("sync.json"), folder.path().join(".noted/sync.json")).unwrap();
    let config = tempfile::tempdir().unwrap();
    let trust = program(&client, &["trust", name(&folder)]).env("XDG_CONFIG_HOME", config.path()).output().unwrap();
    assert!(stdout(&trust).contains("taken over"));
    fs::remove_file(folder.path().join("b.md")).unwrap();
    let summary = super::json(&noted(&client, &["sync", name(&folder), "--json"]));
    assert_eq!(summary["deleted"], serde_json::json!(["b.md"]), "it knows what was there");
}

#[tokio::test]
async fn what_became_a_link_or_was_only_not_looked_at_is_not_deleted() {
    let client = shared().tenant().await;
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for path in ["a.md", "projects/one.md", "projects/deep/two.md", "c.md", "d.md"] {
        write(folder.path(), path, &format!("{path}\n"));
    }
    stdout(&noted(&client, &["sync", name(&folder)]));
    fs::rename(folder.path().join("projects"), elsewhere.path().join("projects")).unwrap();
    symlink(elsewhere.path().join("projects"), folder.path().join("projects")).unwrap();
    fs::rename(folder.path().join("a.md"), elsewhere.path().join("a.md")).unwrap();
    symlink(elsewhere.path().join("a.md"), folder.path().join("a.md")).unwrap();
    fs::remove_file(folder.path().join("c.md")).unwrap();
    fs::create_dir(folder.path().join("c.md")).unwrap();
    fs::remove_file(folder.path().join("d.md")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path().join("d.md")).status().unwrap().success());
    let summary = super::json(&noted(&client, &["sync", name(&folder), "--json"]));
    assert_eq!(summary["deleted"], serde_json::json!([]), "{summary}");
    assert_eq!(client.get("/v1/notes").await.data(200)["notes"].as_array().unwrap().len(), 5);
    let skipped = summary["skipped"].to_string();
    for path in ["a.md", "projects/one.md", "projects/deep/two.md", "c.md", "d.md"] {
        assert!(skipped.contains(path), "{path} is told: {skipped}");
    }
}

#[tokio::test]
async fn a_folder_that_lost_most_of_its_files_deletes_nothing_until_a_person_says_so() {
    let client = shared().tenant().await;
    let folder = tempfile::tempdir().unwrap();
    for number in 0..30 {
        write(folder.path(), &format!("{number}.md"), &format!("{number}\n"));
    }
    stdout(&noted(&client, &["sync", name(&folder)]));
    // A folder that gets another name has lost nothing.
    fs::create_dir(folder.path().join("moved")).unwrap();
    for number in 0..20 {
        fs::rename(folder.path().join(format!("{number}.md")), folder.path().join(format!("moved/{number}.md"))).unwrap();
    }
    let summary = super::json(&noted(&client, &["sync", name(&folder), "--json"]));
    assert_eq!((summary["renamed"].as_array().unwrap().len(), &summary["deleted"]), (20, &serde_json::json!([])), "{summary}");
    for number in 0..20 {
        fs::rename(folder.path().join(format!("moved/{number}.md")), folder.path().join(format!("{number}.md"))).unwrap();
    }
    stdout(&noted(&client, &["sync", name(&folder)]));
    for number in 0..11 {
        fs::remove_file(folder.path().join(format!("{number}.md"))).unwrap();
    }
    let refused = noted(&client, &["sync", name(&folder)]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("11 of 30 notes are gone") && said.contains("--allow-delete"), "{refused:?}");
    assert_eq!(client.get("/v1/notes").await.data(200)["notes"].as_array().unwrap().len(), 30);
    stdout(&noted(&client, &["sync", name(&folder), "--allow-delete"]));
    assert_eq!(client.get("/v1/notes").await.data(200)["notes"].as_array().unwrap().len(), 19);
    // Ten are no more than somebody clears up.
    for number in 11..19 {
        fs::remove_file(folder.path().join(format!("{number}.md"))).unwrap();
    }
    stdout(&noted(&client, &["sync", name(&folder)]));
    assert_eq!(on_disk(folder.path()).len(), 11);
}

#[tokio::test]
async fn what_a_note_or_a_name_says_does_not_steer_the_terminal() {
    let client = shared().asker().await;
    let text = "walrus \u{1b}]52;c;cm0gLXJmIH4=\u{7} \u{1b}[2J \r hidden \u{202e}gpj.exe";
    client.note("a.md", text).await;
    let shown = stdout(&noted(&client, &["query", "walrus", "--mode", "text"]));
    assert!(shown.contains("walrus") && !shown.contains(|c: char| c.is_control() && c != '\n') && !shown.contains('\u{202e}'), "{shown:?}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two\nlines\u{1b}[2J.md"), "text").unwrap();
    let synced = noted(&client, &["sync", name(&folder)]);
    let shown = format!("{}{}", String::from_utf8_lossy(&synced.stdout), String::from_utf8_lossy(&synced.stderr));
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

/// `cargo xtask prove` tries ten thousand.
const TREES: u32 = 500;

#[tokio::test]
async fn whatever_a_tree_holds_nothing_outside_is_touched_and_every_command_ends() {
    let tried = try_trees(shared(), seed(), TREES, || {}).await.unwrap_or_else(|wrong| panic!("{wrong:#}"));
    assert!(tried.links > TREES && tried.done > TREES / 10, "{tried}");
}
