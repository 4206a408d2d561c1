//! Connections that say nothing, or only half of it, or that are too many: they cost nobody else anything.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures::future::join_all;
use noted_shared::error::Code;
use noted_shared::wire::Envelope;
use noted_tests::world::{World, checkout, eventually, shared};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::PROMISED;

/// A host of the probe, without anything that a database would be asked.
async fn probe(arguments: &[&str]) -> World {
    World::of(checkout().join("tests/probe/spin.toml"), arguments).await.unwrap()
}

fn address(world: &World) -> SocketAddr {
    world.base_url().socket_addrs(|| None).unwrap()[0]
}

/// A connection from one of this machine's own addresses, on which this was sent.
async fn from(source: Ipv4Addr, world: &World, bytes: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((source, 0))).unwrap();
    let mut stream = socket.connect(address(world)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

async fn sent(world: &World, bytes: &[u8]) -> TcpStream {
    from(Ipv4Addr::LOCALHOST, world, bytes).await
}

/// All that comes until the other side closes, if it does in the promised time. A connection that is reset is closed as well.
async fn until_closed(mut stream: TcpStream) -> Option<String> {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PROMISED, stream.read_to_end(&mut answer)).await;
    read.is_ok().then(|| String::from_utf8_lossy(&answer).into_owned())
}

/// The answer to a request for which the connection is closed afterwards.
async fn ask(world: &World, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    until_closed(sent(world, request.as_bytes()).await).await.expect("an answer in time")
}

#[tokio::test]
async fn a_connection_that_leaves_something_undone_is_closed() {
    let world = probe(&["--idle-connection-timeout", "500ms"]).await;
    let empty_settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let cases: [(&str, &[u8]); 5] = [
        ("nothing", b""),
        ("a part of the preface of HTTP/2", b"PRI * HTTP/2"),
        ("half a head", b"GET /probe/x HTTP/1.1\r\nhost: a\r\n"),
        ("a request, and then nothing", b"GET /probe/lifecycle/state HTTP/1.1\r\nhost: a\r\n\r\n"),
        ("HTTP/2 without a request", empty_settings),
    ];
    let closed = join_all(cases.map(async |(case, bytes)| (case, until_closed(sent(&world, bytes).await).await))).await;
    for (case, answer) in closed {
        assert!(answer.is_some(), "{case}: still open");
    }
}

#[tokio::test]
async fn half_a_body_is_told_to_try_again_and_closed() {
    let world = probe(&["--request-timeout", "500ms"]).await;
    let half = b"POST /probe/body/measure HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf";
    let answer = until_closed(sent(&world, half).await).await.expect("still open");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: "), "{answer}");
}

#[tokio::test]
async fn silent_connections_keep_nobody_out_however_many_they_are() {
    let world = probe(&["--max-connections", "100", "--max-connections-per-address", "80"]).await;
    let other = Ipv4Addr::new(127, 0, 0, 2);
    let other = from(other, &world, b"GET /probe/lifecycle/state HTTP/1.1\r\nhost: a\r\n").await;
    let silent = join_all((0..320).map(async |_| sent(&world, b"").await)).await;
    let answer = ask(&world, "/probe/lifecycle/state").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "from the same address: {answer:?}");
    // What another address had begun goes on.
    let mut other = other;
    other.write_all(b"connection: close\r\n\r\n").await.unwrap();
    assert!(until_closed(other).await.unwrap().starts_with("HTTP/1.1 200 "), "from another address");
    drop(silent);
}

#[tokio::test]
async fn where_all_connections_wait_for_answers_a_newcomer_is_told_so_and_another_address_is_served() {
    let world = probe(&["--max-connections", "8", "--max-connections-per-address", "4"]).await;
    let slow = b"GET /probe/body/generate?bytes=20&piece=1&ms=100 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut busy = join_all((0..4).map(async |_| sent(&world, slow).await)).await;
    for stream in &mut busy {
        assert_eq!(stream.read_u8().await.unwrap(), b'H', "the answer has begun, and lasts for two seconds");
    }
    let refused = ask(&world, "/probe/lifecycle/state").await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: "), "{refused}");
    let quick = b"GET /probe/lifecycle/state HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let other = from(Ipv4Addr::new(127, 0, 0, 2), &world, quick).await;
    assert!(until_closed(other).await.unwrap().starts_with("HTTP/1.1 200 "));
    for answer in join_all(busy.into_iter().map(until_closed)).await {
        assert!(answer.as_ref().is_some_and(|answer| answer.starts_with("TTP/1.1 200 ")), "{answer:?}");
    }
}

#[tokio::test]
async fn requests_are_refused_before_the_memory_of_all_instances_is_used_up_and_served_when_it_is_free() {
    // One byte more than one instance may have: the second one might lack room.
    let world = probe(&["--max-instance-memory", "134217728", "--max-total-instance-memory", "134217729"]).await;
    let slow = sent(&world, b"GET /probe/lifecycle/sleep?ms=1000 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    let refused = async || {
        let answer = ask(&world, "/other/lifecycle/state").await;
        (answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: ")).then_some(())
    };
    eventually("a refusal", Duration::from_secs(1), refused).await;
    assert!(until_closed(slow).await.unwrap().starts_with("HTTP/1.1 200 "));
    let served = async || ask(&world, "/other/lifecycle/state").await.starts_with("HTTP/1.1 200 ").then_some(());
    eventually("service", PROMISED, served).await;
}

#[tokio::test]
async fn a_head_that_no_component_could_read_is_400_in_the_form_of_every_answer() {
    let cases: [(&str, &[u8]); 6] = [
        ("two hosts", b"GET /health HTTP/1.1\r\nhost: a\r\nhost: b\r\n"),
        ("the same host twice", b"GET /health HTTP/1.1\r\nhost: a\r\nhost: a\r\n"),
        ("no host", b"GET /health HTTP/1.1\r\n"),
        ("no host, in HTTP/1.0", b"GET /health HTTP/1.0\r\n"),
        ("a host that is none", b"GET /health HTTP/1.1\r\nhost: a b\r\n"),
        ("a header that is not UTF-8", b"GET /health HTTP/1.1\r\nhost: a\r\nx-name: M\xfcller\r\n"),
    ];
    for (case, head) in cases {
        let request = [head, b"x-request-id: seven\r\nconnection: close\r\n\r\n"].concat();
        let answer = until_closed(sent(shared(), &request).await).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{case}: {answer}"));
        assert!(head.contains(" 400 ") && head.contains("content-type: application/json"), "{case}: {head}");
        assert!(head.contains("x-request-id: seven"), "{case}: {head}");
        let envelope: Envelope<Value> = serde_json::from_str(body).unwrap_or_else(|error| panic!("{case}: {error} {body}"));
        assert_eq!((envelope.data, envelope.meta.request_id.as_str()), (None, "seven"), "{case}");
        assert_eq!(envelope.errors[0].code, Code::ValidationError.name(), "{case}");
    }
}
