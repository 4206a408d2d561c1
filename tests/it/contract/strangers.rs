//! What somebody without a key, or with one and bad intentions, can cost the others: nothing.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::join_all;
use noted::keys::KeyRequest;
use noted_shared::domain::Scope;
use noted_tests::client::{Answer, Client, item, note_in, send};
use noted_tests::world::{World, eventually, shared};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, endless};

const STRANGER: (u16, &str, Option<&str>, &str) = (401, "UNAUTHORIZED", None, "Invalid or expired API key");

/// A key of the right form that opens nothing.
const UNKNOWN_KEY: &str = "noted_sk_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

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

#[tokio::test]
async fn a_strangers_body_is_not_read() {
    let client = shared().tenant().await;
    let unknown = || batch(&client, UNKNOWN_KEY);
    // None of them ever ends: whoever reads to the end gives no answer.
    let beginning = vec![Bytes::from(vec![b' '; 64 << 10])];
    assert_refused(&send(stalled(unknown(), 9_500_000, 64 << 10)).await, STRANGER, "9.5 MB");
    assert_refused(&send(stalled(unknown(), 100_000_000, 64 << 10)).await, STRANGER, "100 MB");
    assert_refused(&send(stalled(unknown(), 9_000, 1_000)).await, STRANGER, "9 kB");
    assert_refused(&send(unknown().body(endless(beginning.clone()))).await, STRANGER, "no length");
    let bomb = gzip(&vec![b' '; 8 << 20]);
    assert_refused(&send(unknown().header("Content-Encoding", "gzip").body(bomb)).await, STRANGER, "a bomb");
    let formless = batch(&client, "noted").body(endless(beginning));
    assert_refused(&send(formless).await, STRANGER, "no key at all");
    let small = client.anonymous(Method::POST, "/v1/ide-sync/create").bearer_auth(UNKNOWN_KEY).json(&note_in("a.md", "a"));
    assert_refused(&send(small.header("Idempotency-Key", "k")).await, STRANGER, "a small one, which is read");
}

#[tokio::test]
async fn a_key_may_what_it_may_whatever_the_size_of_the_body() {
    let world = shared();
    let client = world.tenant().await;
    let large = json!({ "notes": [item("a.md", &"x".repeat(20_000))] });
    let scopes = [Scope::NotesRead, Scope::IdeSync].map(|scope| scope.name().to_owned()).to_vec();
    let lacking = [Scope::NotesWrite].map(|scope| scope.name().to_owned()).to_vec();
    let writer = world.tenant_with(|request| KeyRequest { scopes: lacking, ..request }).await;
    let refused = send(batch(&client, &writer.key.api_key).json(&large)).await;
    assert_eq!(refused.error(403)["message"], "Missing required scope: ide:sync");
    let reader = world.tenant_with(|request| KeyRequest { scopes, ..request }).await;
    let refused = send(batch(&client, &reader.key.api_key).json(&large)).await;
    assert_eq!((refused.status, refused.error(403)["code"].as_str()), (403, Some("MISSING_SCOPE")));
    let elsewhere = batch(&client, &client.key.api_key).header("X-Workspace-ID", Uuid::new_v4().to_string());
    assert_eq!(send(elsewhere.json(&large)).await.status, 403);
    assert_eq!(send(batch(&client, &client.key.api_key).json(&large)).await.status, 200);
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
    // Without a key: answered before they have sent what they announced.
    let strangers = [(8_300_000, 8_000_000), (8_200_000, 8_000_000), (200_000, 100_000)];
    let strangers = strangers.map(|(announced, sent)| send(stalled(batch(&slow, UNKNOWN_KEY), announced, sent)));
    for answer in join_all(strangers).await {
        assert_refused(&answer, STRANGER, "a stranger");
    }
    assert_eq!(honest.batch(&megabytes(9)).await.status, 200);

    // With a key: each holds a place for what it announced, and no more than one key's share of an instance, until it is given up.
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
