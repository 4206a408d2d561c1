//! What a workspace keeps is counted and has an end.

use noted_tests::client::{Client, id_of, item, note_in, note_update, send};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, with};

/// What is counted, and what is there.
async fn bytes(client: &Client) -> (i64, i64) {
    let bytes = "select stored_bytes, (
        (select coalesce(sum(octet_length(content)), 0) from noted.notes)
        + (select coalesce(sum(octet_length(content)), 0) from noted.note_revisions)
        + (select coalesce(sum(octet_length(content)), 0) from noted.conflict_texts))::bigint from noted.workspaces";
    sqlx::query_as(bytes).fetch_one(&mut shared().inside(client).await).await.unwrap()
}

async fn run(client: &Client, statement: &'static str) {
    sqlx::query(statement).execute(&mut shared().inside(client).await).await.unwrap();
}

async fn collect(client: &Client) -> Value {
    let collected: Value = sqlx::query_scalar("select sync.collect($1, 1000, 1000)")
        .bind(client.key.workspace_id)
        .fetch_one(&mut shared().inside(client).await)
        .await
        .unwrap();
    collected
}

#[tokio::test]
async fn every_door_counts_the_bytes_that_it_lets_in_and_out() {
    let client = shared().tenant().await;
    let check = async |door: &str| {
        let (counted, stored) = bytes(&client).await;
        assert_eq!(counted, stored, "{door}");
        counted
    };
    let mut note = client.note("a.md", "some text").await;
    assert_eq!(check("create").await, 9);
    let first = note.clone();
    for number in 0..13 {
        note = client.edited(&note, &"x".repeat(number * 10)).await;
        check("update").await;
    }
    let conflict = client.update(id_of(&note), &note_update(&first, "from long ago")).await.error(409)["details"]["conflict_id"].clone();
    check("conflict").await;
    client.update(id_of(&note), &note_update(&first, "from long ago")).await.error(409);
    check("the same conflict").await;
    client.create(&note_in("a.md", "another note")).await.error(409);
    check("path taken").await;
    client.batch(&[item("b.md", "of a batch"), item("c.md", "of a batch too")]).await.data(200);
    check("batch").await;
    let resolution = json!({ "strategy": "create_both", "sync_origin_id": "test-origin", "version_vector": note["version_vector"] });
    client.post(&format!("/v1/conflicts/{}/resolve", conflict.as_str().unwrap()), &resolution).await.data(200);
    check("create_both").await;
    let now = client.get(&format!("/v1/notes/{}", id_of(&note))).await.data(200)["note"].clone();
    let delete = client.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}", id_of(&note))).header("X-Sync-Origin", "test-origin");
    send(delete.query(&[("version_vector", now["version_vector"].to_string())])).await.data(200);
    check("delete").await;
    run(&client, "update noted.notes set deleted_at = deleted_at - interval '31 days'").await;
    run(&client, "update noted.sync_conflict_events set at = at - interval '31 days'").await;
    collect(&client).await;
    check("collect").await;
    run(&client, "update noted.sync_conflict_archive set at = at - interval '366 days'").await;
    collect(&client).await;
    let left = check("the end of the archive").await;
    let texts = ["of a batch", "of a batch too", &"x".repeat(120)];
    assert_eq!(left, texts.iter().map(|text| i64::try_from(text.len()).unwrap()).sum::<i64>(), "what lives");
}

#[tokio::test]
async fn a_text_of_a_conflict_is_stored_once_however_often_it_is_refused() {
    let client = shared().tenant().await;
    let text = "y".repeat(100_000);
    client.note("a.md", &"x".repeat(100_000)).await;
    for number in 0..20 {
        let refused = with(note_in("a.md", &text), "sync_origin_id", format!("clone-{number}"));
        client.create(&refused).await.error(409);
    }
    assert_eq!(bytes(&client).await.0, 300_000, "the note, and each side of the conflict once");
    let list = client.get("/v1/conflicts").await.data(200)["conflicts"].as_array().unwrap().len();
    assert_eq!(list, 20, "each refusal can be decided");
}

#[tokio::test]
async fn conflicts_end_when_the_workspace_wants_it() {
    let client = shared().tenant().await;
    client.note("a.md", "theirs").await;
    let conflict = client.create(&note_in("a.md", "mine")).await.error(409)["details"]["conflict_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/conflicts/{conflict}");
    run(&client, "update noted.sync_conflict_events set at = at - interval '100 days'").await;
    collect(&client).await;
    assert_eq!(client.get(&path).await.data(200)["conflict"]["ide_version_content"], "mine", "archived");
    run(&client, "update noted.workspaces set conflict_retention_days = 90").await;
    assert_eq!(collect(&client).await["ended"], 1);
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(bytes(&client).await, (6, 6), "the note alone");
}

#[tokio::test]
async fn a_full_workspace_refuses_texts_and_lets_them_go() {
    let client = shared().tenant_with(|request| noted::keys::KeyRequest { tier: noted::keys::Tier::Free, ..request }).await;
    let note = client.note("a.md", "one").await;
    run(&client, "update noted.workspaces set stored_bytes = stored_bytes + 1073741824").await;
    let message = "The workspace keeps as many bytes as its tier allows; delete notes, whose texts go after thirty days, or raise the tier";
    let full = (507, "STORAGE_FULL", None, message);
    assert_refused(&client.create(&note_in("b.md", "two")).await, full, "create");
    assert_refused(&client.create(&note_in("a.md", "two")).await, full, "a conflict");
    assert_refused(&client.update(id_of(&note), &note_update(&note, "two")).await, full, "update");
    assert_refused(&client.post("/v1/notes", &json!({ "title": "t", "content": "c" })).await, full, "note");
    let results = client.batch(&[item("c.md", "three")]).await.json()["data"]["results"].clone();
    assert_eq!(results[0]["error_code"], "STORAGE_FULL", "{results}");
    let delete = client.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}", id_of(&note))).header("X-Sync-Origin", "test-origin");
    let delete =
        delete.header("Idempotency-Key", Uuid::new_v4().to_string()).query(&[("version_vector", note["version_vector"].to_string())]);
    send(delete).await.data(200);
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 0);
}
