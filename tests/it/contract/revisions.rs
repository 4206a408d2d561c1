//! What notes said before: which texts are kept, how they are read, compared and brought back.

use noted::keys::{KeyKind, KeyRequest};
use noted_tests::client::{Client, id_of, note_update, send, tag_of};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_refused, with};

/// What an editor's key may do.
fn ide_scopes() -> Vec<String> {
    ["notes:read", "notes:write", "notes:delete", "ide:sync"].map(str::to_owned).into()
}

async fn revisions(client: &Client, note: &Value) -> Vec<Value> {
    let list = client.get(&format!("/v1/notes/{}/revisions", id_of(note))).await.data(200);
    list["revisions"].as_array().unwrap().clone()
}

async fn numbers(client: &Client, note: &Value) -> Vec<i64> {
    revisions(client, note).await.iter().map(|revision| revision["version_number"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_replaced_text_is_kept_under_its_own_author() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let by_agent = with(note_update(&note, "two"), "sync_origin_id", "agent");
    let second = client.update(id_of(&note), &by_agent).await.data(200)["note"].clone();
    client.edited(&second, "three").await;

    let kept = revisions(&client, &note).await;
    let told: Vec<_> = kept.iter().map(|revision| (&revision["version_number"], &revision["created_by"], &revision["content"])).collect();
    assert_eq!(told, [(&json!(2), &json!("agent"), &Value::Null), (&json!(1), &json!("test-origin"), &Value::Null)]);
    assert_eq!((&kept[1]["version_vector"], &kept[1]["created_at"]), (&note["version_vector"], &note["updated_at"]));
    for (number, text) in [(1, "one"), (2, "two"), (3, "three")] {
        let revision = client.get(&format!("/v1/notes/{}/revisions/{number}", id_of(&note))).await.data(200)["revision"].clone();
        assert_eq!((&revision["content"], &revision["content_bytes"]), (&json!(text), &json!(text.len())), "{number}");
    }
    let path = format!("/v1/notes/{}/revisions", id_of(&note));
    let message = format!("Version 4 of note {} is not kept", id_of(&note));
    assert_refused(&client.get(&format!("{path}/4")).await, (404, "NOT_FOUND", Some("version"), &message), "4");
    for (wrong, status) in [("0", 422), ("-1", 422), ("99999999999999999999", 422), ("x", 400), ("1.5", 400)] {
        let expected = (status, "VALIDATION_ERROR", Some("version"), "version must be the number of a version, from 1");
        assert_refused(&client.get(&format!("{path}/{wrong}")).await, expected, wrong);
    }
}

#[tokio::test]
async fn a_new_title_alone_keeps_nothing() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    client.write(Method::PATCH, &format!("/v1/notes/{}", id_of(&note)), &tag_of(&note), &json!({ "title": "new" })).await.data(200);
    assert_eq!(numbers(&client, &note).await, Vec::<i64>::new());
}

#[tokio::test]
async fn the_ten_newest_of_a_program_are_kept() {
    let client = shared().tenant_with(|request| KeyRequest { kind: KeyKind::Integration, scopes: ide_scopes(), ..request }).await;
    let mut note = client.note("a.md", "0").await;
    for number in 1..=12 {
        note = client.edited(&note, &number.to_string()).await;
    }
    assert_eq!(numbers(&client, &note).await, (3..=12).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_last_text_of_each_writer_is_kept_for_its_next_merge() {
    let client = shared().tenant().await;
    let first = client.note("a.md", "a\nb\nc\n").await;
    let mut note = first.clone();
    for number in 0..12 {
        let edit = with(note_update(&note, &format!("a\nb\nc\n{number}\n")), "sync_origin_id", "busy");
        note = client.update(id_of(&note), &edit).await.data(200)["note"].clone();
    }
    assert_eq!(numbers(&client, &note).await.last(), Some(&1), "the offline writer's text");
    // Who wrote it comes back from a long way off, and is still merged on what it grew from.
    let late = with(note_update(&first, "A\nb\nc\n"), "merge", "auto");
    let merged = client.update(id_of(&note), &late).await.data(200)["note"].clone();
    assert_eq!(merged["content"], "A\nb\nc\n11\n");

    sqlx::query("update noted.note_revisions set archived_at = now() - interval '31 days'")
        .execute(&mut shared().inside(&client).await)
        .await
        .unwrap();
    client.edited(&merged, "end").await;
    assert!(!numbers(&client, &note).await.contains(&1), "after thirty days the ten newest are enough");
}

#[tokio::test]
async fn what_a_conflict_grew_from_is_kept() {
    let client = shared().tenant().await;
    let first = client.note("a.md", "one").await;
    let mut note = client.edited(&first, "two").await;
    let stale = with(note_update(&first, "mine"), "sync_origin_id", "other");
    client.update(id_of(&note), &stale).await.error(409);
    for number in 0..12 {
        note = client.edited(&note, &number.to_string()).await;
    }
    assert!(numbers(&client, &note).await.contains(&1), "the base of a conflict");
}

#[tokio::test]
async fn an_earlier_text_is_brought_back_as_a_new_version_and_that_can_be_undone() {
    let client = shared().tenant().await;
    let note = client.edited(&client.note("a.md", "one\r\n").await, "two").await;
    let restore = async |number: i64| {
        let path = format!("/v1/notes/{}/restore/{number}", id_of(&note));
        client.post(&path, &Value::Null).await.data(200)["note"].clone()
    };
    let restored = restore(1).await;
    assert_eq!((&restored["content"], &restored["version"]), (&json!("one\r\n"), &json!(3)));
    let undone = restore(2).await;
    assert_eq!((&undone["content"], &undone["version"]), (&json!("two"), &json!(4)));
    assert_eq!(restore(2).await, undone, "nothing new is no new version");
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"], json!([undone]));
    let answer = client.post(&format!("/v1/notes/{}/restore/9", id_of(&note)), &Value::Null).await;
    assert_eq!(answer.error(404)["field"], "version");
}

#[tokio::test]
async fn a_restore_can_demand_the_version_that_it_replaces() {
    let client = shared().tenant().await;
    let note = client.edited(&client.note("a.md", "one").await, "two").await;
    let path = format!("/v1/notes/{}/restore/1", id_of(&note));
    assert_eq!(client.write(Method::POST, &path, "\"1\"", &Value::Null).await.status, 412);
    assert_eq!(client.write(Method::POST, &path, &tag_of(&note), &Value::Null).await.data(200)["note"]["content"], "one");
}

#[tokio::test]
async fn two_versions_are_compared_line_by_line() {
    let client = shared().tenant().await;
    let note = client.edited(&client.note("a.md", "a\nb\nc\n").await, "a\nB\nc\n").await;
    let diff = async |query: &str| client.get(&format!("/v1/notes/{}/diff?{query}", id_of(&note))).await;
    let forth = diff("from=1&to=2").await.data(200);
    assert_eq!(forth["diff"], "--- version 1\n+++ version 2\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    assert_eq!(diff("from=2&to=2").await.data(200)["diff"], "");
    assert_eq!(diff("from=1&to=3").await.error(404)["field"], "version");
    assert_eq!(diff("from=1").await.error(400)["field"], "to");
}

#[tokio::test]
async fn a_deleted_notes_texts_can_still_be_read() {
    let client = shared().tenant().await;
    let note = client.edited(&client.note("a.md", "one").await, "two").await;
    client.delete(id_of(&note)).await.data(200);
    assert_eq!(numbers(&client, &note).await, [2, 1]);
    let restored = client.post(&format!("/v1/notes/{}/restore", id_of(&note)), &Value::Null).await.data(200)["note"].clone();
    client.edited(&restored, "three").await;
    assert_eq!(numbers(&client, &note).await, [4, 2, 1], "no text twice, none missing");
    let answer = send(client.request(Method::GET, &format!("/v1/notes/{}/revisions/2", id_of(&note)))).await;
    assert_eq!(answer.data(200)["revision"]["content"], "two");
}
