//! `DELETE /v1/ide-sync/delete/{id}`: a note becomes a tombstone.

use noted_tests::client::{Answer, Client, id_of, send, tag_of};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, comparable};

async fn delete_seen(client: &Client, note: &Value, seen: &str) -> Answer {
    let request = client.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}", id_of(note)));
    send(request.query(&[("version_vector", seen)])).await
}

#[tokio::test]
async fn a_deleted_note_is_gone_from_the_list_and_stays_as_a_tombstone() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let data = client.delete(id_of(&note)).await.data(200);
    assert_eq!((&data["success"], &data["message"]), (&json!(true), &json!(format!("Note {} deleted successfully", id_of(&note)))));
    let listed = client.get("/v1/ide-sync/list").await.data(200);
    assert_eq!((&listed["notes"], &listed["total"]), (&json!([]), &json!(0)));
    assert_eq!(client.get("/v1/ide-sync/status").await.data(200)["total_synced_notes"], 0);

    let tombstone = "select sync.instant(deleted_at), deleted_by, version, seq, version_vector::text from noted.notes";
    let (at, by, version, seq, vector): (String, String, i64, i64, String) =
        sqlx::query_as(tombstone).fetch_one(&mut shared().inside(&client).await).await.unwrap();
    assert_eq!(data["deleted_at"], at);
    assert_eq!((by.as_str(), version, seq, vector.as_str()), ("test-origin", 2, 2, r#"{"test-origin": 2}"#));
}

#[tokio::test]
async fn deleting_twice_is_the_same_as_deleting_once() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let (first, second) = (client.delete(id_of(&note)).await, client.delete(id_of(&note)).await);
    assert_eq!(first.data(200), second.data(200));
    assert_eq!(client.note("b.md", "b").await["seq"], 3, "the second one changed nothing");
}

#[tokio::test]
async fn a_deleted_notes_path_is_free_again() {
    let client = shared().tenant().await;
    let first = client.note("a.md", "one").await;
    client.delete(id_of(&first)).await.data(200);
    let second = client.note("a.md", "two").await;
    assert_ne!(first["id"], second["id"]);
    client.delete(id_of(&second)).await.data(200);
    client.note("a.md", "three").await;
}

#[tokio::test]
async fn a_version_that_the_sender_has_not_seen_is_not_deleted() {
    let client = shared().tenant().await;
    let base = client.note("a.md", "base").await;
    let note = client.edited(&base, "theirs").await;
    for seen in [json!({ "test-origin": 1 }), json!({})] {
        let answer = delete_seen(&client, &note, &seen.to_string()).await;
        let message = format!("Note was modified in Noted app. Noted timestamp: {}", note["updated_at"].as_str().unwrap());
        let details = assert_refused(&answer, (409, "CONFLICT", None, &message), &seen.to_string());
        assert_eq!((&details["local_vector"], &details["remote_vector"]), (&seen, &note["version_vector"]));
        assert_eq!(details["noted_version"]["content"], "theirs");
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], note);
    assert_eq!(delete_seen(&client, &note, &note["version_vector"].to_string()).await.status, 200);
}

#[tokio::test]
async fn a_vector_that_is_none_is_refused_by_name() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    for bad in ["[]", "7", "x", "{\"a\":-1}", "{\"a\":1", "{\"a b\":1}", "\"{}\""] {
        let answer = delete_seen(&client, &note, bad).await;
        assert_eq!((answer.status, answer.error(400)["field"].as_str()), (400, Some("version_vector")), "{bad}: {}", answer.body);
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 1);
}

#[tokio::test]
async fn an_id_that_is_none_is_refused_and_an_unknown_or_foreign_one_is_not_found() {
    let (client, stranger) = (shared().tenant().await, shared().tenant().await);
    let (note, gone) = (client.note("a.md", "one").await, client.note("b.md", "two").await);
    client.delete(id_of(&gone)).await.data(200);
    for bad in ["not-a-uuid", "0", "%20"] {
        let expected = (400, "VALIDATION_ERROR", Some("id"), "id is not a valid note id (a UUID is expected)");
        assert_refused(&client.delete(bad).await, expected, bad);
    }
    let unknown = Uuid::new_v4().to_string();
    let missing = stranger.delete(&unknown).await;
    assert_refused(&missing, (404, "NOT_FOUND", None, &format!("Note with ID {unknown} not found")), "unknown");
    for foreign in [&note, &gone] {
        let answer = stranger.delete(id_of(foreign)).await;
        assert_eq!(comparable(&missing, &unknown), comparable(&answer, id_of(foreign)));
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"], json!([note]));
}

#[tokio::test]
async fn a_delete_without_an_origin_is_the_keys_own() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let request = client.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}", id_of(&note)));
    send(request.header("If-Match", tag_of(&note))).await.data(200);
    let by: String = sqlx::query_scalar("select deleted_by from noted.notes").fetch_one(&mut shared().inside(&client).await).await.unwrap();
    assert!(by.starts_with("key-"), "{by}");
}

#[tokio::test]
async fn a_delete_that_says_nothing_of_what_it_has_seen_deletes_nothing() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let delete = || client.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}", id_of(&note)));
    let message = "Send If-Match with the ETag of the version that you have seen, or version_vector in the body";
    let expected = (428, "PRECONDITION_REQUIRED", Some("If-Match"), message);
    assert_refused(&send(delete()).await, expected, "nothing");
    assert_refused(&send(delete().json(&json!({ "sync_origin_id": "a" }))).await, expected, "a body without a vector");
    assert_refused(&send(delete().json(&json!({ "version_vector": null }))).await, expected, "no vector");
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 1);
}

#[tokio::test]
async fn a_vector_in_the_body_and_a_version_in_a_header_are_as_good_as_one_in_the_query() {
    let client = shared().tenant().await;
    let base = client.note("a.md", "base").await;
    let note = client.edited(&base, "theirs").await;
    let delete = || client.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}", id_of(&note)));
    let seen = |note: &Value| json!({ "version_vector": note["version_vector"], "sync_origin_id": "a" });
    assert_eq!(send(delete().json(&seen(&base))).await.error(409)["code"], "CONFLICT");
    let message = "The note is at version 2, not at the one in If-Match";
    assert_refused(
        &send(delete().header("If-Match", tag_of(&base))).await,
        (412, "PRECONDITION_FAILED", Some("If-Match"), message),
        "stale",
    );
    let both = delete().query(&[("version_vector", base["version_vector"].to_string())]).json(&seen(&note));
    let message = "version_vector differs between query and body";
    assert_refused(&send(both).await, (400, "VALIDATION_ERROR", Some("version_vector"), message), "two vectors");
    let older = delete().header("If-Match", tag_of(&base)).json(&seen(&note));
    assert_eq!(send(older).await.status, 412, "a vector does not make a stale version good");
    send(delete().json(&seen(&note))).await.data(200);
    let other = client.note("b.md", "other").await;
    let path = format!("/v1/ide-sync/delete/{}", id_of(&other));
    send(client.request(Method::DELETE, &path).header("If-Match", tag_of(&other))).await.data(200);
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 0);
}
