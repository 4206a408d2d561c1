//! A process that is killed while its request is on the way: what was sent is done once, and what was saved since is not lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use noted_tests::world::{eventually, shared};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{name, noted, on_disk, on_server, program, stdout, write};

/// Passes requests on, and answers until the first request that writes; from then on answers are lost while it is deaf.
#[derive(Clone)]
struct Lossy {
    is_deaf: Arc<AtomicBool>,
    batches: Arc<AtomicUsize>,
}

async fn lossy(target: SocketAddr) -> (SocketAddr, Lossy) {
    let lossy = Lossy { is_deaf: Arc::new(AtomicBool::new(true)), batches: Arc::default() };
    let shared = lossy.clone();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(target).await.unwrap();
            tokio::spawn(pass(client, server, shared.clone()));
        }
    });
    (address, lossy)
}

async fn pass(mut client: TcpStream, mut server: TcpStream, lossy: Lossy) {
    let (mut has_written, mut request, mut answer) = (false, vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut request) => match read {
                Ok(read) if read > 0 => {
                    lossy.batches.fetch_add(usize::from(request.starts_with(b"POST /v1/ide-sync/batch ")), Ordering::SeqCst);
                    has_written |= request.starts_with(b"POST ") || request.starts_with(b"PUT ");
                    if server.write_all(&request[..read]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            read = server.read(&mut answer) => match read {
                Ok(read) if read > 0 => {
                    if !(has_written && lossy.is_deaf.load(Ordering::SeqCst)) && client.write_all(&answer[..read]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_sender_was_killed_is_done_once_and_a_later_edit_comes_on_top() {
    let tenant = shared().tenant().await;
    let target = tenant.base().socket_addrs(|| None).unwrap()[0];
    let (address, lossy) = lossy(target).await;
    let client = tenant.at(&format!("http://{address}/").parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.md", "first\n");

    let mut killed = program(&client, &["sync", name(&folder)]).spawn().unwrap();
    let note = eventually("the note is on the server", Duration::from_secs(30), async || {
        tenant.get("/v1/ide-sync/list").await.data(200)["notes"].as_array()?.first().cloned()
    })
    .await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(note["content"], "first\n");

    lossy.is_deaf.store(false, Ordering::SeqCst);
    write(folder.path(), "a.md", "second\n");
    let said = stdout(&noted(&client, &["sync", name(&folder)]));
    assert!(said.contains("1 note updated"), "{said}");
    let notes = tenant.get("/v1/ide-sync/list").await.data(200);
    assert_eq!(notes["notes"].as_array().unwrap().len(), 1, "one note, although its creation was sent twice");
    let after = &notes["notes"][0];
    assert_eq!((&after["id"], &after["content"], &after["version"]), (&note["id"], &"second\n".into(), &2.into()));
    assert_eq!(on_disk(folder.path()), on_server(&client));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_sender_was_killed_is_done_once() {
    let tenant = shared().tenant().await;
    let target = tenant.base().socket_addrs(|| None).unwrap()[0];
    let (address, lossy) = lossy(target).await;
    let client = tenant.at(&format!("http://{address}/").parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20 {
        write(folder.path(), &format!("{number}.md"), &format!("first {number}\n"));
    }

    let mut killed = program(&client, &["sync", name(&folder)]).spawn().unwrap();
    eventually("the notes are on the server", Duration::from_secs(30), async || {
        let notes = tenant.get("/v1/ide-sync/list").await.data(200);
        (notes["notes"].as_array()?.len() == 20).then_some(())
    })
    .await;
    killed.kill().unwrap();
    killed.wait().unwrap();

    assert_eq!(lossy.batches.load(Ordering::SeqCst), 1, "all of them in one request");

    // The same batch comes again, and then what was changed since.
    lossy.is_deaf.store(false, Ordering::SeqCst);
    write(folder.path(), "0.md", "second\n");
    std::fs::remove_file(folder.path().join("1.md")).unwrap();
    let said = stdout(&noted(&client, &["sync", name(&folder)]));
    assert!(said.contains("1 note updated") && said.contains("1 note deleted"), "{said}");
    let notes = tenant.get("/v1/ide-sync/list").await.data(200);
    assert_eq!(notes["notes"].as_array().unwrap().len(), 19);
    assert!(notes["notes"].as_array().unwrap().iter().all(|note| note["version"] == if note["content"] == "second\n" { 2 } else { 1 }));
    assert_eq!(on_disk(folder.path()), on_server(&client));
}
