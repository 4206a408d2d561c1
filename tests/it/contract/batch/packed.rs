//! Large and packed bodies: read up to the cap, and not one byte further.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::join_all;
use noted_tests::client::{Answer, Client, id_of, item, note_in, note_update, send, try_send};
use noted_tests::world::{eventually, shared};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{assert_refused, endless};
use super::{creates, stored, summary};

const BATCH_BYTES_MAX: usize = 10 << 20;
const TOO_LARGE: (u16, &str, Option<&str>, &str) = (413, "PAYLOAD_TOO_LARGE", Some("notes"), "Batch exceeds 10MB limit");

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// A gzip of so many megabytes of spaces.
fn bomb(megabytes: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..megabytes {
        packed.write_all(&[b' '; 1 << 20]).unwrap();
    }
    packed.finish().unwrap()
}

async fn post(client: &Client, path: &str, encoding: &str, body: Vec<u8>) -> Answer {
    send(packed(client, Method::POST, path, encoding).body(body)).await
}

fn packed(client: &Client, method: Method, path: &str, encoding: &str) -> RequestBuilder {
    let request = client.request(method, path).header("Content-Type", "application/json").header("Content-Encoding", encoding);
    request.header("Idempotency-Key", Uuid::new_v4().to_string())
}

/// The answer once the instance has room for a large body, beside those of other tests.
async fn with_room(request: impl Fn() -> RequestBuilder) -> Answer {
    let served = async || try_send(request()).await.filter(|answer| answer.status != 503);
    eventually("room for a batch", Duration::from_secs(30), served).await
}

/// A batch of exactly so many bytes.
fn batch_of(bytes: usize, notes: &[Value]) -> Vec<u8> {
    let mut body = json!({ "notes": notes }).to_string().into_bytes();
    body.splice(1..1, std::iter::repeat_n(b' ', bytes - body.len()));
    body
}

#[tokio::test]
async fn a_batch_is_ten_megabytes_at_most_packed_or_not() {
    let client = shared().tenant().await;
    let large: Vec<_> = (0..9).map(|number| item(&format!("{number}.md"), &"x".repeat(1 << 20))).collect();
    let (whole, over) = (batch_of(BATCH_BYTES_MAX, &large), batch_of(BATCH_BYTES_MAX + 1, &large));
    let send_whole = [("identity", whole.clone()), ("gzip", gzip(&whole))];
    for (encoding, body) in send_whole {
        let answer = with_room(|| packed(&client, Method::POST, "/v1/ide-sync/batch", encoding).body(body.clone())).await;
        assert_eq!(answer.data(200)["summary"], summary(9, 0), "{encoding}");
    }
    // Whoever waits for the rest of a body that is too large already gives no answer.
    let plain = || packed(&client, Method::POST, "/v1/ide-sync/batch", "identity").body(endless(vec![over.clone().into()]));
    assert_refused(&with_room(plain).await, TOO_LARGE, "plain");
    let gzipped = || packed(&client, Method::POST, "/v1/ide-sync/batch", "gzip").body(gzip(&over));
    assert_refused(&with_room(gzipped).await, TOO_LARGE, "packed");
    assert_eq!(stored(&client).await.0, 9);
}

#[tokio::test]
async fn a_packed_body_is_read_on_every_route_that_has_one() {
    let client = shared().tenant().await;
    let create = gzip(note_in("a.md", "a").to_string().as_bytes());
    let note = post(&client, "/v1/ide-sync/create", "gzip", create).await.data(201)["note"].clone();
    let update = gzip(note_update(&note, "b").to_string().as_bytes());
    let path = format!("/v1/ide-sync/update/{}", id_of(&note));
    assert_eq!(send(packed(&client, Method::PUT, &path, "GZIP").body(update)).await.data(200)["note"]["content"], "b");
    let batch = json!({ "notes": creates(3) }).to_string();
    // Several members are one body, as gzip has it.
    let (head, tail) = batch.as_bytes().split_at(100);
    let members = [gzip(head), gzip(tail)].concat();
    assert_eq!(post(&client, "/v1/ide-sync/batch", "x-gzip", members).await.data(200)["summary"], summary(3, 0));
}

#[tokio::test]
async fn a_bomb_is_refused_without_being_unpacked() {
    let client = shared().tenant().await;
    let bomb = bomb(2000);
    assert!(bomb.len() < 3 << 20, "small enough to be let in: {}", bomb.len());
    // As many at once as an instance takes, beside requests that must not suffer.
    let bombs = (0..16).map(|number| post(&client, ["/v1/ide-sync/batch", "/v1/ide-sync/create"][number % 2], "gzip", bomb.clone()));
    let beside = join_all((0..16).map(async |number| client.create(&note_in(&format!("{number}.md"), "a")).await.status));
    let (bombs, beside) = tokio::join!(join_all(bombs), beside);
    for answer in bombs {
        // One that finds no room beside the others is told to come again.
        assert!(matches!(answer.status, 413 | 503), "{} {}", answer.status, answer.body);
    }
    assert_eq!(beside, [201; 16]);
    let alone = with_room(|| packed(&client, Method::POST, "/v1/ide-sync/batch", "gzip").body(bomb.clone())).await;
    assert_refused(&alone, TOO_LARGE, "alone");
}

#[tokio::test]
async fn what_is_not_gzip_is_unreadable_and_other_encodings_are_not_read() {
    let client = shared().tenant().await;
    let body = json!({ "notes": creates(3) }).to_string().into_bytes();
    let whole = gzip(&body);
    let mut wrong_checksum = whole.clone();
    let place = wrong_checksum.len() - 6;
    wrong_checksum[place] ^= 1;
    let damaged = [
        ("plain", body.clone()),
        ("nothing", Vec::new()),
        ("cut off", whole[..whole.len() - 9].to_vec()),
        ("a wrong checksum", wrong_checksum),
        ("followed by something else", [whole.clone(), b"more".to_vec()].concat()),
    ];
    for (case, body) in damaged {
        let expected = (400, "VALIDATION_ERROR", Some("body"), "The body is not valid JSON: its gzip encoding is damaged");
        assert_refused(&post(&client, "/v1/ide-sync/batch", "gzip", body).await, expected, case);
    }
    for encoding in ["br", "deflate", "zstd", "gzip, gzip", "nonsense"] {
        let expected = (415, "UNSUPPORTED_MEDIA_TYPE", None, "Content-Encoding must be gzip, or absent");
        assert_refused(&post(&client, "/v1/ide-sync/batch", encoding, whole.clone()).await, expected, encoding);
    }
    assert_eq!(stored(&client).await.0, 0);
}

/// A batch of ten megabytes of words, no two texts alike: what is made of words takes more memory than anything else, and more time than there is.
fn prose(writer: usize) -> Vec<u8> {
    let text = |note: usize| (0..100_000).map(|word| format!("w{:x} ", (word * 7919 + note) % 40_009 + writer)).collect::<String>();
    let notes: Vec<_> = (0..14).map(|note| item(&format!("{note}.md"), &text(note))).collect();
    batch_of(BATCH_BYTES_MAX, &notes)
}

/// A batch of ten megabytes that hold one word each.
fn plain(writer: usize) -> Vec<u8> {
    let notes: Vec<_> = (0..9).map(|note| item(&format!("{writer}/{note}.md"), &"\u{e9}".repeat(1 << 19))).collect();
    batch_of(BATCH_BYTES_MAX, &notes)
}

#[tokio::test]
async fn large_batches_at_once_are_served_or_told_to_come_again_and_never_take_an_instance_down() {
    // The batches of one key have to share; those of others come beside them.
    let clients = join_all((0..4).map(|_| shared().tenant())).await;
    let sent = (0..8).map(|number| {
        let body = if number < 4 { plain(number) } else { prose(number) };
        try_send(packed(&clients[number % 4], Method::POST, "/v1/ide-sync/batch", "identity").body(body))
    });
    let sent: Vec<Answer> = join_all(sent).await.into_iter().flatten().collect();
    let statuses: Vec<u16> = sent.iter().map(|answer| answer.status).collect();
    eprintln!("eight large batches at once: {statuses:?}");
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200), "some of them were served");
}
