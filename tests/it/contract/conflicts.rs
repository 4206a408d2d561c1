//! The conflict log: what is noted down, and the five ways to settle it.

use noted_shared::domain::ContentHash;
use noted_tests::client::{Client, id_of, note_in, note_update};
use noted_tests::world::shared;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, with};

/// A note on which `mine` (by the writer "a") stands against `theirs`: the note as it is, and the details of the conflict.
async fn conflict(client: &Client) -> (Value, Value) {
    let note = client.note("docs/a.md", "base").await;
    let theirs = client.update(id_of(&note), &with(note_update(&note, "theirs"), "sync_origin_id", "b")).await.data(200)["note"].clone();
    let mine = with(note_update(&note, "mine"), "sync_origin_id", "a");
    let details = client.update(id_of(&note), &mine).await.error(409)["details"].clone();
    (theirs, details)
}

fn resolution(strategy: &str, vector: &Value) -> Value {
    json!({ "strategy": strategy, "sync_origin_id": "a", "version_vector": vector })
}

async fn resolve(client: &Client, details: &Value, body: &Value) -> Value {
    client.post(&format!("/v1/conflicts/{}/resolve", details["conflict_id"].as_str().unwrap()), body).await.data(200)
}

async fn listed(client: &Client, status: &str) -> Vec<Value> {
    client.get(&format!("/v1/conflicts?status={status}")).await.data(200)["conflicts"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_conflict_is_noted_down_once_with_both_texts() {
    let client = shared().tenant().await;
    let (theirs, details) = conflict(&client).await;
    let again = with(note_update(&theirs, "mine"), "version_vector", json!({ "test-origin": 1 }));
    let again = client.update(id_of(&theirs), &with(again, "sync_origin_id", "a")).await.error(409)["details"].clone();
    assert_eq!(again["conflict_id"], details["conflict_id"], "a retry meets the same conflict");

    let open = listed(&client, "open").await;
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].get("ide_version_content"), &open[0]["resolved_at"]), (Some(&Value::Null), &Value::Null), "a list has no texts");
    let whole = client.get(&format!("/v1/conflicts/{}", id_of(&open[0]))).await.data(200)["conflict"].clone();
    assert_eq!((&whole["ide_version_content"], &whole["noted_version_content"]), (&json!("mine"), &json!("theirs")));
    assert_eq!((&whole["kind"], &whole["origin"], &whole["note_id"]), (&json!("update"), &json!("a"), &theirs["id"]));
    let of_note = client.get(&format!("/v1/conflicts?note_id={}", id_of(&theirs))).await.data(200)["conflicts"].clone();
    assert_eq!(of_note.as_array().unwrap().len(), 1);
    assert_eq!(client.get(&format!("/v1/conflicts?note_id={}", Uuid::new_v4())).await.data(200)["conflicts"], json!([]));
}

#[tokio::test]
async fn keeping_the_editors_text_replaces_the_other_which_stays_readable() {
    let client = shared().tenant().await;
    let (theirs, details) = conflict(&client).await;
    let resolved = resolve(&client, &details, &resolution("keep_ide", &details["remote_vector"])).await;
    assert_eq!((&resolved["note"]["content"], &resolved["note"]["version"]), (&json!("mine"), &json!(3)));
    assert_eq!((&resolved["conflict"]["resolution_strategy"], &resolved["conflict"]["resolved_by"]), (&json!("keep_ide"), &json!("user")));
    let kept = client.get(&format!("/v1/notes/{}/revisions/2", id_of(&theirs))).await.data(200);
    assert_eq!(kept["revision"]["content"], "theirs");
    assert_eq!((listed(&client, "open").await.len(), listed(&client, "resolved").await.len()), (0, 1));
}

#[tokio::test]
async fn keeping_noteds_text_changes_no_note() {
    let client = shared().tenant().await;
    let (theirs, details) = conflict(&client).await;
    let resolved = resolve(&client, &details, &resolution("keep_noted", &details["remote_vector"])).await;
    assert_eq!(resolved["note"], theirs);
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"], json!([theirs]));
}

#[tokio::test]
async fn a_third_text_can_settle_it() {
    let client = shared().tenant().await;
    let (_, details) = conflict(&client).await;
    let body = with(resolution("manual_merge", &details["remote_vector"]), "content", "both");
    let resolved = resolve(&client, &details, &with(body, "content_sha256", json!(ContentHash::of("both")))).await;
    assert_eq!((&resolved["note"]["content"], &resolved["conflict"]["merged_content"]), (&json!("both"), &json!("both")));
}

#[tokio::test]
async fn both_texts_can_live_on_as_two_notes() {
    let client = shared().tenant().await;
    client.note("docs/a (Noted).md", "in the way").await;
    let (theirs, details) = conflict(&client).await;
    let resolved = resolve(&client, &details, &resolution("create_both", &details["remote_vector"])).await;
    let (note, second) = (&resolved["note"], &resolved["second_note"]);
    assert_eq!((&note["id"], &note["content"], &note["title"]), (&theirs["id"], &json!("mine"), &json!("A note (IDE)")));
    assert_eq!((&second["content"], &second["title"]), (&json!("theirs"), &json!("A note (Noted)")));
    assert_eq!((&note["ide_file_path"], &second["ide_file_path"]), (&json!("docs/a.md"), &json!("docs/a (Noted) 2.md")));
    assert_eq!(client.get("/v1/ide-sync/status").await.data(200)["total_synced_notes"], 3);
    let seqs: Vec<i64> =
        client.all_changes("", "").await[0]["changes"].as_array().unwrap().iter().map(|c| c["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, [1, 4, 5], "each has its own place");
}

#[tokio::test]
async fn a_deferred_conflict_stays_open_and_can_be_settled_later() {
    let client = shared().tenant().await;
    let (theirs, details) = conflict(&client).await;
    let deferred = resolve(&client, &details, &resolution("deferred", &details["remote_vector"])).await;
    assert_eq!((&deferred["note"], &deferred["conflict"]["resolved_at"]), (&theirs, &Value::Null));
    assert_eq!(listed(&client, "open").await[0]["resolution_strategy"], "deferred");
    resolve(&client, &details, &resolution("keep_noted", &details["remote_vector"])).await;
    assert_eq!(listed(&client, "open").await, Vec::<Value>::new());
    let path = format!("/v1/conflicts/{}/resolve", details["conflict_id"].as_str().unwrap());
    let message = format!("Conflict {} was resolved before", details["conflict_id"].as_str().unwrap());
    let answer = client.post(&path, &resolution("keep_ide", &details["remote_vector"])).await;
    assert_refused(&answer, (409, "CONFLICT", None, &message), "settled");
}

#[tokio::test]
async fn what_came_after_the_conflict_is_not_replaced_unseen() {
    let client = shared().tenant().await;
    let (theirs, details) = conflict(&client).await;
    let newer = client.edited(&theirs, "newer").await;
    let path = format!("/v1/conflicts/{}/resolve", details["conflict_id"].as_str().unwrap());
    let refused = client.post(&path, &resolution("keep_ide", &details["remote_vector"])).await.error(409)["details"].clone();
    assert_eq!((&refused["noted_version"]["content"], &refused["conflict_id"]), (&json!("newer"), &details["conflict_id"]));
    assert_eq!(resolve(&client, &details, &resolution("keep_ide", &newer["version_vector"])).await["note"]["content"], "mine");
}

#[tokio::test]
async fn a_delete_that_has_not_seen_the_latest_text_is_a_conflict_with_two_ends() {
    for (strategy, survives) in [("keep_ide", false), ("keep_noted", true)] {
        let client = shared().tenant().await;
        let note = client.note("a.md", "one").await;
        let newer = client.update(id_of(&note), &with(note_update(&note, "two"), "sync_origin_id", "b")).await.data(200)["note"].clone();
        let query = format!("version_vector={}", urlencoded(&note["version_vector"]));
        let request = client.request(reqwest::Method::DELETE, &format!("/v1/ide-sync/delete/{}?{query}", id_of(&note)));
        let refused = noted_tests::client::send(request.header("X-Sync-Origin", "a")).await.error(409)["details"].clone();
        assert_eq!((refused.get("merge"), &refused["noted_version"]["content"]), (None, &json!("two")));
        let resolved = resolve(&client, &refused, &resolution(strategy, &newer["version_vector"])).await;
        assert_eq!(resolved["conflict"]["kind"], "delete");
        assert_eq!(client.get(&format!("/v1/notes/{}", id_of(&note))).await.status, if survives { 200 } else { 410 }, "{strategy}");
    }
}

fn urlencoded(value: &Value) -> String {
    url::form_urlencoded::byte_serialize(value.to_string().as_bytes()).collect()
}

#[tokio::test]
async fn two_notes_made_at_one_path_are_a_conflict_unless_they_say_the_same() {
    let client = shared().tenant().await;
    let first = client.note("a.md", "full of text").await;
    let identical = client.create(&note_in("a.md", "full of text")).await.error(409)["details"].clone();
    assert_eq!((&identical["identical"], &identical["conflict_id"]), (&json!(true), &Value::Null));
    let empty = client.create(&with(note_in("a.md", ""), "sync_origin_id", "b")).await.error(409)["details"].clone();
    assert_eq!((&empty["identical"], &empty["noted_version"]["id"]), (&json!(false), &first["id"]));
    let logged = client.get(&format!("/v1/conflicts/{}", empty["conflict_id"].as_str().unwrap())).await.data(200)["conflict"].clone();
    assert_eq!((&logged["kind"], &logged["ide_version_content"]), (&json!("create"), &json!("")));
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"], json!([first]), "a new file never wins over what is there");
}

#[tokio::test]
async fn whoever_has_seen_both_sides_and_writes_has_settled_it() {
    for (text, strategy) in [("mine", "keep_ide"), ("both", "manual_merge")] {
        let client = shared().tenant().await;
        let (theirs, _) = conflict(&client).await;
        let merged = with(note_update(&theirs, text), "sync_origin_id", "a");
        client.update(id_of(&theirs), &merged).await.data(200);
        assert_eq!(listed(&client, "resolved").await[0]["resolution_strategy"], strategy);
    }
    let client = shared().tenant().await;
    let (theirs, _) = conflict(&client).await;
    client.edited(&theirs, "somebody else's").await;
    assert_eq!(listed(&client, "open").await.len(), 1, "another writer settles nothing");
}

#[tokio::test]
async fn either_side_can_be_given_back_later_also_from_the_archive() {
    let client = shared().tenant().await;
    let (theirs, details) = conflict(&client).await;
    resolve(&client, &details, &resolution("keep_noted", &details["remote_vector"])).await;
    let path = format!("/v1/conflicts/{}/restore", details["conflict_id"].as_str().unwrap());
    assert_eq!(client.post(&path, &json!({ "side": "ide" })).await.data(200)["note"]["content"], "mine");

    let mut database = shared().inside(&client).await;
    sqlx::query("update noted.sync_conflict_events set at = at - interval '31 days'").execute(&mut database).await.unwrap();
    let archived: i64 =
        sqlx::query_scalar("select sync.archive_conflicts($1, 10)").bind(client.key.workspace_id).fetch_one(&mut database).await.unwrap();
    assert_eq!((archived, listed(&client, "all").await), (1, vec![]));
    let whole = client.get(&format!("/v1/conflicts/{}", details["conflict_id"].as_str().unwrap())).await.data(200)["conflict"].clone();
    assert_eq!((&whole["ide_version_content"], &whole["resolution_strategy"]), (&json!("mine"), &json!("keep_noted")));
    assert_eq!(client.post(&path, &json!({ "side": "noted" })).await.data(200)["note"]["content"], "theirs");
    assert_eq!(client.get(&format!("/v1/notes/{}", id_of(&theirs))).await.data(200)["note"]["content"], "theirs");
    assert_eq!(client.post(&path, &json!({ "side": "left" })).await.error(422)["field"], "side");
}

#[tokio::test]
async fn the_log_can_only_grow() {
    let client = shared().tenant().await;
    conflict(&client).await;
    let mut database = shared().superuser().await;
    for change in ["update noted.sync_conflict_events set origin = 'x'", "delete from noted.sync_conflict_events"] {
        sqlx::raw_sql("set role noted_api").execute(&mut database).await.unwrap();
        let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(change.to_owned())).execute(&mut database).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{change}: {refused}");
        sqlx::raw_sql("reset role").execute(&mut database).await.unwrap();
    }
}

#[tokio::test]
async fn another_workspaces_conflict_is_not_there() {
    let (client, stranger) = (shared().tenant().await, shared().tenant().await);
    let (_, details) = conflict(&client).await;
    let id = details["conflict_id"].as_str().unwrap();
    let message = format!("Conflict with ID {id} not found");
    let expected = (404, "NOT_FOUND", None, message.as_str());
    assert_refused(&stranger.get(&format!("/v1/conflicts/{id}")).await, expected, "read");
    let resolving = stranger.post(&format!("/v1/conflicts/{id}/resolve"), &resolution("keep_ide", &details["remote_vector"])).await;
    assert_refused(&resolving, expected, "resolve");
    let restoring = stranger.post(&format!("/v1/conflicts/{id}/restore"), &json!({ "side": "ide" })).await;
    assert_refused(&restoring, expected, "restore");
    assert_eq!(listed(&stranger, "all").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_collected_note_takes_no_conflict_with_it() {
    let client = shared().tenant().await;
    let (theirs, details) = conflict(&client).await;
    client.delete(id_of(&theirs)).await.data(200);
    let mut database = shared().inside(&client).await;
    sqlx::query("update noted.notes set deleted_at = now() - interval '31 days'").execute(&mut database).await.unwrap();
    let collected: i64 =
        sqlx::query_scalar("select sync.collect_tombstones($1, 10)").bind(client.key.workspace_id).fetch_one(&mut database).await.unwrap();
    assert_eq!(collected, 1);
    let whole = client.get(&format!("/v1/conflicts/{}", details["conflict_id"].as_str().unwrap())).await.data(200)["conflict"].clone();
    assert_eq!((&whole["ide_version_content"], &whole["noted_version_content"]), (&json!("mine"), &json!("theirs")));
}
