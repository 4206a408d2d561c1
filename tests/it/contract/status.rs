//! `GET /v1/ide-sync/status`: how syncing stands.

use noted::keys::Tier;
use noted_shared::domain::Timestamp;
use noted_tests::client::{id_of, note_in};
use noted_tests::world::shared;
use serde_json::{Value, json};

use super::with;

#[tokio::test]
async fn a_new_workspace_has_never_synced() {
    let client = shared().tenant().await;
    let expected = json!({
        "total_synced_notes": 0, "last_sync_at": null, "sync_enabled": true, "rate_limit_remaining": null, "rate_limit_reset_at": null,
    });
    assert_eq!(client.get("/v1/ide-sync/status").await.data(200), expected);
}

#[tokio::test]
async fn the_status_follows_every_change() {
    let client = shared().tenant().await;
    let status = async || client.get("/v1/ide-sync/status").await.data(200);
    let note = client.note("a.md", "one").await;
    let after_create = status().await;
    assert_eq!((&after_create["total_synced_notes"], &after_create["last_sync_at"]), (&json!(1), &note["updated_at"]));
    let edited = client.edited(&note, "two").await;
    let after_update = status().await;
    assert_eq!((&after_update["total_synced_notes"], &after_update["last_sync_at"]), (&json!(1), &edited["updated_at"]));
    let deleted = client.delete(id_of(&note)).await.data(200);
    let after_delete = status().await;
    assert_eq!((&after_delete["total_synced_notes"], &after_delete["last_sync_at"]), (&json!(0), &deleted["deleted_at"]));
}

#[tokio::test]
async fn only_notes_from_files_count_as_synced() {
    let client = shared().tenant().await;
    client.note("a.md", "one").await;
    client.create(&with(note_in("b.md", "two"), "note_type", "user_created")).await.data(201);
    assert_eq!(client.get("/v1/ide-sync/status").await.data(200)["total_synced_notes"], 1);
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 2);
}

#[tokio::test]
async fn a_counted_key_learns_what_is_left_of_its_minute() {
    let client = shared().tenant_with(|request| noted::keys::KeyRequest { tier: Tier::Free, ..request }).await;
    let first = client.get("/v1/ide-sync/status").await;
    let second = client.get("/v1/ide-sync/status").await;
    for (answer, left) in [(&first, 99), (&second, 98)] {
        let data = answer.data(200);
        assert_eq!((&data["rate_limit_remaining"], answer.header("x-ratelimit-remaining")), (&json!(left), left.to_string().as_str()));
        let reset = Timestamp::parse(data["rate_limit_reset_at"].as_str().unwrap()).unwrap();
        assert_eq!(answer.header("x-ratelimit-reset"), reset.seconds().to_string());
        let now = Timestamp::parse(answer.json()["meta"]["timestamp"].as_str().unwrap()).unwrap();
        assert!((1..=66).contains(&(reset.seconds() - now.seconds())), "{reset} after {now}");
    }
}

#[tokio::test]
async fn the_status_has_no_other_fields() {
    let client = shared().tenant().await;
    let data = client.get("/v1/ide-sync/status").await.data(200);
    let Value::Object(fields) = data else { panic!("not an object: {data}") };
    assert_eq!(fields.len(), 5, "{fields:?}");
}
