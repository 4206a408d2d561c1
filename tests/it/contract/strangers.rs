//! What somebody with bad intentions can cost the others: nothing.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::join_all;
use noted_tests::client::{Answer, Client, item, send};
use noted_tests::world::{World, eventually, shared};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, endless};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn batch(client: &Client, key: &str) -> RequestBuilder {
    client.anonymous(Method::POST, "/v1/ide-sync/batch").bearer_auth(key).header("Content-Type", "application/json")
}

/// A batch whose sender announces so much, sends a little, and falls silent.
fn stalled(request: RequestBuilder, announced: usize, sent: usize) -> RequestBuilder {
    request.header("Content-Length", announced).body(endless(vec![Bytes::from(vec![b' '; sent])]))
}

/// A batch of so many megabytes.
fn megabytes(count: usize) -> Vec<Value> {
    (0..count).map(|_| item(&format!("{}.md", Uuid::new_v4()), &"x".repeat(1 << 20))).collect()
}

/// Bodies that are small where they travel and large once they are read.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    const VALUES: usize = 2_500_000;
    let note = |field: &str| {
        let mut note = item("a.md", "a");
        note[field] = json!("HERE");
        json!({ "notes": [note] }).to_string()
    };
    let numbers = |open: &str, close: &str, value: &str| format!("{open}{}0{close}", format!("{value},").repeat(VALUES));
    let names = |count: usize| (0..count).map(|number| format!("\"{number}\":0,")).collect::<String>();
    let crowd = format!("{{{}\"x\":0}}", names(700_000));
    let list = format!("[{}\"\"]", "\"\",".repeat(VALUES));
    vec![
        ("numbers for notes", numbers("{\"notes\":[", "]}", "0")),
        ("empty notes", numbers("{\"notes\":[", "]}", "{}")),
        ("lists in a note", format!("{{\"notes\":[{}]}}", numbers("[", "]", "[]"))),
        ("an object for notes", format!("{{\"notes\":{crowd}}}")),
        ("unknown names", crowd.clone()),
        ("unknown names in a note", format!("{{\"notes\":[{crowd}]}}")),
        ("one name again and again", format!("{{{}\"a\":0}}", "\"a\":0,".repeat(1_000_000))),
        ("deep lists", "[".repeat(9_000_000)),
        ("deep lists in a note", format!("{{\"notes\":[{}", "[".repeat(9_000_000))),
        ("deep objects", "{\"a\":".repeat(1_500_000)),
        ("one number", format!("{{\"notes\":[{}]}}", "9".repeat(9_000_000))),
        ("white space", " ".repeat(9_000_000)),
        ("a crowded vector", note("version_vector").replace("\"HERE\"", &crowd)),
        ("crowded facts", note("file_metadata").replace("\"HERE\"", &crowd)),
        ("many tags", note("source_metadata").replace("\"HERE\"", &format!("{{\"tags\":{list}}}"))),
        ("a list for a title", note("title").replace("\"HERE\"", &list)),
    ]
    .into_iter()
    .map(|(name, body)| (name, gzip(body.as_bytes())))
    .collect()
}

#[tokio::test]
async fn sixteen_bombs_harm_none_of_those_beside_them() {
    let (client, hostile) = (shared().tenant().await, shared().tenant().await);
    let bombs = bombs();
    assert_eq!(bombs.len(), 16);
    let thrown = bombs.iter().map(async |(name, packed)| {
        let request = batch(&hostile, &hostile.key.api_key).header("Content-Encoding", "gzip").body(packed.clone());
        (*name, send(request).await)
    });
    // On the component that has to bear the bombs.
    let beside = (0..48).map(async |number| client.batch(&[item(&format!("{number}.md"), "a")]).await);
    let (thrown, beside) = tokio::join!(join_all(thrown), join_all(beside));
    for (name, answer) in thrown {
        assert!(matches!(answer.status, 400 | 413 | 422 | 503), "{name}: {} {:.300}", answer.status, answer.body);
    }
    let statuses: Vec<u16> = beside.iter().map(|answer: &Answer| answer.status).collect();
    assert_eq!(statuses, [200; 48]);
    // One after the other, so that there is room: each is told what is wrong with it.
    for (name, packed) in &bombs {
        let throw = async || {
            let request = batch(&hostile, &hostile.key.api_key).header("Content-Encoding", "gzip").body(packed.clone());
            Some(send(request).await).filter(|answer| answer.status != 503)
        };
        let answer = eventually("room for a bomb", Duration::from_secs(30), throw).await;
        assert!(matches!(answer.status, 400 | 422), "{name}: {} {:.300}", answer.status, answer.body);
    }
}

#[tokio::test]
async fn stalled_bodies_keep_nobody_out() {
    let world = World::start().await.unwrap();
    let (slow, honest) = (world.tenant().await, world.tenant().await);
    // Each holds a place for what it announced, and no more than one key's share of an instance, until it is given up.
    let stalled = join_all((0..24).map(|_| send(stalled(batch(&slow, &slow.key.api_key), 10_000_000, 1))));
    let beside = async {
        for _ in 0..5 {
            let answer = honest.batch(&megabytes(4)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    };
    let (stalled, ()) = tokio::join!(stalled, beside);
    let (refused, given_up): (Vec<_>, Vec<_>) = stalled.iter().partition(|answer| answer.status == 503);
    assert!(!refused.is_empty() && !given_up.is_empty(), "{} and {}", refused.len(), given_up.len());
    for answer in refused {
        assert_eq!((answer.error(503)["code"].as_str(), answer.header("retry-after")), (Some("SERVICE_UNAVAILABLE"), "2"));
    }
    let message = "The body came too slowly: at least 32 KiB in 5 seconds are expected, and all of it in 120";
    for answer in given_up {
        assert_refused(answer, (408, "REQUEST_TIMEOUT", None, message), "a stalled body");
    }
    assert_eq!(slow.batch(&megabytes(9)).await.status, 200, "its place is free again");
}
