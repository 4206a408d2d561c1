//! `noted sync --watch`: what is saved is sent, however an editor saves, and what others change arrives.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use noted_tests::client::{Client, id_of, note_update};
use noted_tests::world::{eventually, shared};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{name, noted, on_disk, on_server, program, read, write};

struct Watching {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(client: &Client, folder: &TempDir) -> Self {
        let mut command = program(client, &["sync", name(folder), "--watch", "--poll", "1", "--json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next thing that happens.
    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().expect("it goes on").unwrap()).unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn saves_moves_and_deletions_are_sent_as_what_they_are() {
    let (client, folder) = (shared().tenant().await, tempfile::tempdir().unwrap());
    write(folder.path(), "a.md", "one\n");
    let mut watching = Watching::start(&client, &folder);
    assert_eq!(watching.next(), json!({"event": "created", "path": "a.md"}));

    // As many editors save: a new file takes the place of the old one.
    write(folder.path(), ".a.md.swp", "two\n");
    std::fs::rename(folder.path().join(".a.md.swp"), folder.path().join("a.md")).unwrap();
    assert_eq!(watching.next(), json!({"event": "updated", "path": "a.md"}));

    // As others do: the old one is moved away, and a new one is written.
    std::fs::rename(folder.path().join("a.md"), folder.path().join("a.md~")).unwrap();
    write(folder.path(), "a.md", "three\n");
    std::fs::remove_file(folder.path().join("a.md~")).unwrap();
    assert_eq!(watching.next(), json!({"event": "updated", "path": "a.md"}));

    std::fs::rename(folder.path().join("a.md"), folder.path().join("b.md")).unwrap();
    assert_eq!(watching.next(), json!({"event": "renamed", "from": "a.md", "path": "b.md"}));

    let notes = client.get("/v1/ide-sync/list").await.data(200);
    client.update(id_of(&notes["notes"][0]), &note_update(&notes["notes"][0], "theirs\n")).await.data(200);
    assert_eq!(watching.next(), json!({"event": "received", "path": "b.md"}));
    assert_eq!(read(&folder, "b.md").as_deref(), Some("theirs\n"));

    std::fs::remove_file(folder.path().join("b.md")).unwrap();
    assert_eq!(watching.next(), json!({"event": "deleted", "path": "b.md"}));
    assert_eq!(on_disk(folder.path()), on_server(&client));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_program_at_a_time_and_an_interrupt_ends_it_well() {
    let (client, folder) = (shared().tenant().await, tempfile::tempdir().unwrap());
    write(folder.path(), "a.md", "one\n");
    let mut watching = Watching::start(&client, &folder);
    watching.next();
    let second = noted(&client, &["sync", name(&folder)]);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another `noted` is syncing this folder"), "{second:?}");

    let interrupt = std::process::Command::new("kill").args(["-INT", &watching.child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let status = eventually("it ends", Duration::from_secs(20), async || watching.child.try_wait().unwrap()).await;
    assert!(status.success(), "{status}");
    assert!(noted(&client, &["sync", name(&folder)]).status.success());
}
