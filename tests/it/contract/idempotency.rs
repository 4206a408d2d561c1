//! Retries: the same key and request is answered again and done once.

use futures::future::join_all;
use noted_tests::client::{Answer, id_of, note_in, note_update, send, tag_of};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{assert_refused, with};

const REUSED: (u16, &str, Option<&str>, &str) =
    (422, "IDEMPOTENCY_KEY_REUSED", Some("idempotency_key"), "Idempotency key reused with different request body");

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == "true"
}

#[tokio::test]
async fn a_create_sent_again_is_answered_again_and_done_once() {
    let client = shared().tenant().await;
    let body = note_in("a.md", "a");
    let first = client.create_as("key-1", &body).await;
    let again = client.create_as("key-1", &body).await;
    assert_eq!((first.status, again.status), (201, 201), "{}", again.body);
    assert_eq!(first.data(201), again.data(201));
    assert_eq!(first.header("etag"), again.header("etag"));
    assert_eq!((is_replayed(&first), is_replayed(&again)), (false, true));
    assert_ne!(first.header("x-request-id"), again.header("x-request-id"), "each request still has a name of its own");
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 1);
}

#[tokio::test]
async fn an_update_sent_again_is_answered_again_and_done_once() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let body = note_update(&note, "two");
    let first = client.update_as("key-1", id_of(&note), &body).await;
    client.edited(&first.data(200)["note"], "three").await;
    let again = client.update_as("key-1", id_of(&note), &body).await;
    assert_eq!(first.data(200), again.data(200), "the answer of then, though the note has moved on");
    assert_eq!((is_replayed(&first), is_replayed(&again)), (false, true));
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0]["content"], "three");
}

#[tokio::test]
async fn a_delete_sent_again_is_answered_again() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "a").await;
    let path = format!("/v1/ide-sync/delete/{}", id_of(&note));
    let delete = || client.request(Method::DELETE, &path).header("Idempotency-Key", "key-1").header("If-Match", tag_of(&note));
    let (first, again) = (send(delete()).await, send(delete()).await);
    assert_eq!(first.data(200), again.data(200));
    assert_eq!((is_replayed(&first), is_replayed(&again)), (false, true));
}

#[tokio::test]
async fn a_key_used_for_another_request_is_refused() {
    let client = shared().tenant().await;
    let body = note_in("a.md", "a");
    client.create_as("key-1", &body).await.data(201);
    let others = [
        ("text", note_in("a.md", "b")),
        ("path", note_in("b.md", "a")),
        ("title", with(body.clone(), "title", "Another")),
        ("origin", with(body.clone(), "sync_origin_id", "other-origin")),
        ("time", with(body.clone(), "ide_last_modified", "2026-01-31T09:30:01Z")),
        ("metadata", with(body.clone(), "file_metadata", json!({ "platform": "linux" }))),
    ];
    for (what, other) in others {
        assert_refused(&client.create_as("key-1", &other).await, REUSED, what);
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 1);

    let note = client.create_as("key-1", &body).await.data(201)["note"].clone();
    client.update_as("key-2", id_of(&note), &note_update(&note, "b")).await.data(200);
    assert_refused(&client.update_as("key-2", id_of(&note), &note_update(&note, "c")).await, REUSED, "an update's text");
}

#[tokio::test]
async fn a_key_belongs_to_its_workspace_and_its_route() {
    let (one, other) = (shared().tenant().await, shared().tenant().await);
    let body = note_in("a.md", "a");
    let note = one.create_as("key-1", &body).await.data(201)["note"].clone();
    let theirs = other.create_as("key-1", &body).await;
    assert!(!is_replayed(&theirs), "another workspace's answer must never be seen");
    assert_ne!(theirs.data(201)["note"]["id"], note["id"]);

    let second = one.note("b.md", "b").await;
    for note in [&note, &second] {
        let answer = one.update_as("key-1", id_of(note), &note_update(note, "changed")).await;
        assert!(answer.status == 200 && !is_replayed(&answer), "{}", answer.body);
    }
}

#[tokio::test]
async fn twenty_identical_creates_at_once_make_one_note_with_one_answer() {
    let client = shared().tenant().await;
    let body = note_in("a.md", "a");
    let answers = join_all((0..20).map(|_| client.create_as("key-1", &body))).await;
    let first = answers[0].data(201);
    for answer in &answers {
        assert_eq!(answer.data(201), first);
    }
    assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1, "one of them did it");
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 1);
}

#[tokio::test]
async fn twenty_identical_updates_at_once_make_one_version() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let body = note_update(&note, "two");
    let answers = join_all((0..20).map(|_| client.update_as("key-1", id_of(&note), &body))).await;
    for answer in &answers {
        assert_eq!(answer.data(200)["note"]["version"], 2);
    }
    assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1);
}

#[tokio::test]
async fn a_create_sent_again_after_the_note_was_deleted_does_not_bring_it_back() {
    let client = shared().tenant().await;
    let body = note_in("a.md", "a");
    let first = client.create_as("key-1", &body).await;
    client.delete(id_of(&first.data(201)["note"])).await.data(200);
    let again = client.create_as("key-1", &body).await;
    assert_eq!((first.data(201), is_replayed(&again)), (again.data(201), true));
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 0);
}

#[tokio::test]
async fn a_refusal_is_not_remembered_so_the_same_key_works_once_the_cause_is_gone() {
    let client = shared().tenant().await;
    let first = client.note("a.md", "first").await;
    let body = note_in("a.md", "second");
    assert_eq!(client.create_as("key-1", &body).await.status, 409);
    client.delete(id_of(&first)).await.data(200);
    let answer = client.create_as("key-1", &body).await;
    assert!(answer.status == 201 && !is_replayed(&answer), "{}", answer.body);
}

#[tokio::test]
async fn a_key_from_before_yesterday_is_free_again() {
    let client = shared().tenant().await;
    client.create_as("key-1", &note_in("a.md", "a")).await.data(201);
    let mut owner = shared().inside(&client).await;
    let aged = sqlx::query("update noted.idempotent_requests set created_at = created_at - interval '25 hours'");
    assert_eq!(aged.execute(&mut owner).await.unwrap().rows_affected(), 1);
    for (path, replayed) in [("b.md", false), ("b.md", true)] {
        let answer = client.create_as("key-1", &note_in(path, "b")).await;
        assert_eq!((answer.status, is_replayed(&answer)), (201, replayed), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_key_may_stand_in_the_header_or_in_the_body_but_must_stand_somewhere() {
    let client = shared().tenant().await;
    let post = |body: &serde_json::Value| client.request(Method::POST, "/v1/ide-sync/create").json(body);
    let missing = (400, "VALIDATION_ERROR", Some("idempotency_key"), "Missing required field: idempotency_key");
    assert_refused(&send(post(&note_in("a.md", "a"))).await, missing, "create");
    let note = send(post(&with(note_in("a.md", "a"), "idempotency_key", "key-1"))).await.data(201)["note"].clone();
    let again = client.create_as("key-1", &note_in("a.md", "a")).await;
    assert!(is_replayed(&again), "the header says what the body said: {}", again.body);
    let both = client.create_as("key-1", &with(note_in("a.md", "a"), "idempotency_key", "key-1")).await;
    assert!(is_replayed(&both), "said twice alike: {}", both.body);

    let update = client.request(Method::PUT, &format!("/v1/ide-sync/update/{}", id_of(&note)));
    assert_refused(&send(update.json(&note_update(&note, "b"))).await, missing, "update");
}

#[tokio::test]
async fn two_different_keys_in_one_request_are_refused() {
    let client = shared().tenant().await;
    let body = with(note_in("a.md", "a"), "idempotency_key", "in-the-body");
    let expected = (400, "VALIDATION_ERROR", Some("idempotency_key"), "idempotency_key differs from the header that says the same");
    assert_refused(&client.create_as("in-the-header", &body).await, expected, "key");
    let origin = client.request(Method::POST, "/v1/ide-sync/create").header("X-Sync-Origin", "other-origin");
    let origin = origin.header("Idempotency-Key", "key-1").json(&note_in("a.md", "a"));
    let expected = (400, "VALIDATION_ERROR", Some("sync_origin_id"), "sync_origin_id differs from the header that says the same");
    assert_refused(&send(origin).await, expected, "origin");
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 0);
}

#[tokio::test]
async fn a_key_is_1_to_255_visible_characters() {
    let client = shared().tenant().await;
    let expected = (422, "VALIDATION_ERROR", Some("idempotency_key"), "idempotency_key must be 1 to 255 visible ASCII characters");
    for bad in [String::new(), "two words".to_owned(), "\u{e9}".to_owned(), "a\0".to_owned(), "x".repeat(256)] {
        let body = with(note_in("a.md", "a"), "idempotency_key", bad.clone());
        assert_refused(&send(client.request(Method::POST, "/v1/ide-sync/create").json(&body)).await, expected, &bad);
    }
    for (number, good) in ["x".repeat(255), "loadtest-1-2".to_owned(), Uuid::new_v4().to_string(), "'--".to_owned()].into_iter().enumerate()
    {
        assert_eq!(client.create_as(&good, &note_in(&format!("{number}.md"), "a")).await.status, 201, "{good}");
    }
}
