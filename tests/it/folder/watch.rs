//! `noted sync --watch`: what is saved is sent, however an editor saves, and what others change arrives.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use noted_client::api::{Api, Retry};
use noted_client::engine::Event;
use noted_client::watch::Told;
use noted_tests::client::{Client, id_of, note_update};
use noted_tests::proxy::Proxy;
use noted_tests::world::{eventually, shared};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_asked_now_and_then_and_told_of_once() {
    const POLL: Duration = Duration::from_millis(100);
    const ATTEMPTS: u32 = 6;
    const EDITS: usize = 5;
    let (client, folder) = (shared().tenant().await, tempfile::tempdir().unwrap());
    let server = shared().base_url().socket_addrs(|| None).unwrap()[0];
    let wire = Proxy::start(server).await.unwrap();
    let retry = Retry { attempts: ATTEMPTS, first_delay: Duration::from_millis(1), delay_max: Duration::from_millis(1) };
    let api = Api::new(&format!("http://127.0.0.1:{}", wire.port()).parse().unwrap(), &client.key.api_key, retry).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (sender, mut told) = mpsc::unbounded_channel();
    let root = folder.path().to_owned();
    write(folder.path(), "0.md", "before\n");
    let watching = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        noted_client::watch::watch(api, &root, (false, false), POLL, stopped, &mut |event| sender.send(event).unwrap()).await
    });
    assert!(matches!(told.recv().await.unwrap(), Told::Happened(Event::Created { .. })));

    wire.shut();
    assert!(matches!(told.recv().await.unwrap(), Told::Offline(_)));
    let (refused, since) = (wire.refused(), Instant::now());
    for number in 1..=EDITS {
        // As often as somebody saves who does not look at the network.
        write(folder.path(), &format!("{number}.md"), "meanwhile\n");
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    let asked = wire.refused() - refused;
    let waits = (since.elapsed().as_secs_f64() / POLL.as_secs_f64()).log2();
    assert!(asked >= 1 && asked as f64 <= waits + 1.0, "asked {asked} times in {:?}", since.elapsed());

    wire.deliver();
    for _ in 1..=EDITS {
        assert!(matches!(told.recv().await.unwrap(), Told::Happened(Event::Created { .. })));
    }
    assert!(matches!(told.recv().await.unwrap(), Told::Online));
    stop.send(()).unwrap();
    watching.await.unwrap().unwrap();
    assert_eq!(on_disk(folder.path()), on_server(&client));
}
