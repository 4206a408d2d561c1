//! A batch that is sent again, in whole or in part: each item is done once.

use noted::keys::{KeyRequest, Tier};
use noted_tests::client::{Client, id_of, item, send};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::{with, without};
use super::{creates, failure, stored, summary, update_item};

fn key_of(item: &Value) -> &str {
    item["idempotency_key"].as_str().unwrap()
}

/// The item sent to the route for one note.
async fn alone(client: &Client, item: &Value) -> (u16, bool, Value) {
    let answer = match item["note_id"].as_str() {
        Some(id) => client.update_as(key_of(item), id, &without(item.clone(), "note_id")).await,
        None => client.create_as(key_of(item), item).await,
    };
    (answer.status, answer.header("idempotent-replayed") == "true", answer.json()["data"]["note"].clone())
}

#[tokio::test]
async fn a_batch_sent_again_is_answered_again_and_done_once() {
    let client = shared().tenant().await;
    let note = client.note("there.md", "one").await;
    let mut items = creates(12);
    items.push(update_item(&note, "two"));
    items.push(with(item("bad.md", "bad"), "title", ""));
    let first = client.batch(&items).await.data(200);
    let before = stored(&client).await;
    let again = client.batch(&items).await.data(200);
    assert_eq!((&first["summary"], &again["summary"]), (&summary(14, 1), &summary(14, 1)));
    for (first, again) in first["results"].as_array().unwrap().iter().zip(again["results"].as_array().unwrap()) {
        assert_eq!((&first["note"], &first["error_code"]), (&again["note"], &again["error_code"]));
        assert!(first["success"] == false || again["message"] == "replayed", "{again}");
    }
    assert_eq!(stored(&client).await, before);
}

#[tokio::test]
async fn an_item_may_be_sent_again_alone_and_one_sent_alone_again_in_a_batch() {
    let client = shared().tenant().await;
    let note = client.note("there.md", "one").await;
    let (create, update) = (item("new.md", "new"), update_item(&note, "two"));
    let data = client.batch(&[create.clone(), update.clone()]).await.data(200);
    for (item, status, result) in [(&create, 201, &data["results"][0]), (&update, 200, &data["results"][1])] {
        let (answered, is_replayed, note) = alone(&client, item).await;
        assert_eq!((answered, is_replayed, &note["id"], &note["seq"]), (status, true, &result["note_id"], &result["note"]["seq"]));
    }

    let (create, update) = (item("newer.md", "new"), update_item(&data["results"][1]["note"], "three"));
    let (_, _, created) = alone(&client, &create).await;
    let (_, _, updated) = alone(&client, &update).await;
    let before = stored(&client).await;
    let again = client.batch(&[create, update]).await.data(200);
    for (result, note) in [(&again["results"][0], created), (&again["results"][1], updated)] {
        assert_eq!((result["message"].as_str(), result["note_id"].as_str()), (Some("replayed"), Some(id_of(&note))));
    }
    assert_eq!(stored(&client).await, before);
}

#[tokio::test]
async fn a_key_used_for_another_text_fails_and_one_used_twice_in_a_batch_is_done_once() {
    let client = shared().tenant().await;
    let used = item("used.md", "used");
    let other = with(item("other.md", "other"), "idempotency_key", key_of(&used));
    let mut items = creates(10);
    items.extend([used.clone(), used, other]);
    let data = client.batch(&items).await.data(200);
    assert_eq!(data["results"][11]["message"], "replayed");
    let reused = (&json!("IDEMPOTENCY_KEY_REUSED"), &json!("Idempotency key reused with different request body"));
    assert_eq!(failure(&data["results"][12]), reused);
    assert_eq!(stored(&client).await.0, 11);
}

#[tokio::test]
async fn what_was_done_before_is_told_even_when_nothing_else_is() {
    let client = shared().tenant().await;
    let done = item("done.md", "done");
    client.batch(std::slice::from_ref(&done)).await.data(200);
    let answer = client.batch(&[done, item("new.md", "new"), with(item("bad.md", "bad"), "title", "")]).await;
    assert_eq!(answer.status, 422);
    let results = answer.json()["data"]["results"].clone();
    assert_eq!((&results[0]["message"], failure(&results[1]).0), (&json!("replayed"), &json!("BATCH_FAILED")));
    assert_eq!(stored(&client).await.0, 1);
}

#[tokio::test]
async fn a_conflict_in_a_batch_is_logged_and_told_in_full_to_whoever_sends_it_alone() {
    let client = shared().tenant().await;
    let note = client.note("there.md", "one").await;
    client.edited(&note, "two").await;
    let mut items = creates(10);
    let stale = update_item(&note, "also two");
    items.push(stale.clone());
    let data = client.batch(&items).await.data(200);
    assert_eq!(failure(&data["results"][10]).0, "CONFLICT");
    assert_eq!(stored(&client).await.3, 1);
    let answer = client.update_as(key_of(&stale), id_of(&note), &without(stale.clone(), "note_id")).await;
    assert_eq!(answer.error(409)["details"]["noted_version"]["content"], "two");
    assert_eq!(stored(&client).await.3, 1, "the same conflict, met again");
}

#[tokio::test]
async fn a_batch_counts_as_one_request() {
    let client = shared().tenant_with(|request| KeyRequest { tier: Tier::Free, ..request }).await;
    assert_eq!(client.batch(&creates(100)).await.header("x-ratelimit-remaining"), "99");
    let refused = send(client.request(Method::POST, "/v1/ide-sync/batch").json(&json!({}))).await;
    assert_eq!((refused.status, refused.header("x-ratelimit-remaining")), (400, "98"));
}
