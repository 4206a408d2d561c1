//! `/v1/trash`: what was deleted and can still be brought back.

use noted_tests::client::{Client, id_of, send};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Notes that were made and deleted, in this order.
async fn deleted(client: &Client, count: usize) -> Vec<Value> {
    let mut notes = Vec::with_capacity(count);
    for number in 0..count {
        let note = client.note(&format!("{number}.md"), "text").await;
        client.delete(id_of(&note)).await.data(200);
        notes.push(note);
    }
    notes
}

fn ids(page: &Value) -> Vec<&str> {
    page["notes"].as_array().unwrap().iter().map(id_of).collect()
}

async fn restore(client: &Client, ids: &[&str]) -> Value {
    send(client.request(Method::POST, "/v1/trash/restore").json(&json!({ "note_ids": ids }))).await.data(200)
}

#[tokio::test]
async fn what_was_deleted_is_listed_with_who_and_when_and_how_long_it_stays() {
    let client = shared().tenant().await;
    client.note("live.md", "live").await;
    let note = client.note("docs/a.md", "four").await;
    let deleted_at = client.delete(id_of(&note)).await.data(200)["deleted_at"].clone();
    let trash = client.get("/v1/trash").await.data(200);
    let expected = json!([{
        "id": note["id"], "title": note["title"], "ide_file_path": "docs/a.md", "folder_id": null, "note_type": "ide_synced",
        "content_bytes": 4, "version": 2, "version_vector": { "test-origin": 2 }, "deleted_at": deleted_at, "deleted_by": "test-origin",
        "days_left": 29,
    }]);
    assert_eq!(trash, json!({ "notes": expected, "has_more": false, "next_cursor": null }));
    let stranger = shared().tenant().await;
    assert_eq!(stranger.get("/v1/trash").await.data(200)["notes"], json!([]));
}

#[tokio::test]
async fn pages_go_from_the_last_deleted_to_the_first_and_miss_none() {
    let client = shared().tenant().await;
    let notes = deleted(&client, 5).await;
    let mut found = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = client.get(&format!("/v1/trash?{query}")).await.data(200);
        found.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        // What is deleted while somebody reads comes before all that they have seen.
        let late = client.note(&format!("{}.md", Uuid::new_v4()), "late").await;
        client.delete(id_of(&late)).await.data(200);
        query = format!("limit=2&cursor={cursor}");
    }
    assert_eq!(found, notes.iter().rev().map(id_of).collect::<Vec<_>>());
    assert_eq!(client.get("/v1/trash?cursor=x").await.error(400)["field"], "cursor");
    assert_eq!(client.get("/v1/trash?limit=501").await.error(422)["field"], "limit");
}

#[tokio::test]
async fn a_list_that_the_client_has_is_not_sent_again_until_something_is_deleted_or_restored() {
    let client = shared().tenant().await;
    let notes = deleted(&client, 2).await;
    let get = |tag: String| send(client.request(Method::GET, "/v1/trash").header("If-None-Match", tag));
    let tag = client.get("/v1/trash").await.header("etag").to_owned();
    assert_eq!(get(tag.clone()).await.status, 304);
    restore(&client, &[id_of(&notes[0])]).await;
    let answer = get(tag.clone()).await;
    assert_eq!((answer.status, ids(&answer.data(200))), (200, vec![id_of(&notes[1])]));
    let other = client.note("other.md", "text").await;
    client.delete(id_of(&other)).await.data(200);
    assert_eq!(get(answer.header("etag").to_owned()).await.status, 200);
}

#[tokio::test]
async fn many_come_back_at_once_and_each_stands_for_itself() {
    let client = shared().tenant().await;
    let notes = deleted(&client, 3).await;
    let taken = client.note("1.md", "another text at that path").await;
    let live = client.note("live.md", "live").await;
    let nobodys = Uuid::new_v4().to_string();
    let answer = restore(&client, &[id_of(&notes[0]), id_of(&notes[1]), &nobodys, id_of(&live), id_of(&notes[2])]).await;
    assert_eq!(answer["summary"], json!({ "total": 5, "succeeded": 3, "failed": 2 }));
    let told: Vec<Value> = answer["results"].as_array().unwrap().iter().map(|r| json!([r["message"], r["error_code"]])).collect();
    let expected = [
        json!(["restored", null]),
        json!([null, "CONFLICT"]),
        json!([null, "NOT_FOUND"]),
        json!(["unchanged", null]),
        json!(["restored", null]),
    ];
    assert_eq!(told, expected);
    assert!(!answer.to_string().contains("another text"), "{answer}");

    let page = client.get("/v1/notes?fields=id,seq").await.data(200);
    assert_eq!(page["total"], 4);
    for note in [&notes[0], &notes[2]] {
        let back = client.get(&format!("/v1/notes/{}", id_of(note))).await.data(200)["note"].clone();
        assert_eq!((&back["content"], &back["version"]), (&json!("text"), &json!(3)));
    }
    assert_eq!(ids(&client.get("/v1/trash").await.data(200)), [id_of(&notes[1])]);
    let status = client.get("/v1/ide-sync/status").await.data(200);
    assert_eq!(status["total_synced_notes"], 4, "counted once each");
    assert_eq!(client.get(&format!("/v1/notes/{}", id_of(&taken))).await.status, 200);
}

#[tokio::test]
async fn what_comes_back_is_told_to_followers_and_found_again() {
    let client = shared().tenant().await;
    let note = client.note("words.md", "zyzzyva").await;
    client.delete(id_of(&note)).await.data(200);
    let cursor = client.changes("").await.data(200)["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(restore(&client, &[id_of(&note)]).await["summary"]["succeeded"], 1);
    let page = client.changes(&format!("cursor={cursor}")).await.data(200);
    assert_eq!((&page["changes"][0]["id"], &page["changes"][0]["deleted_at"]), (&note["id"], &Value::Null));
    assert_eq!(restore(&client, &[id_of(&note)]).await["results"][0]["message"], "unchanged");
}

#[tokio::test]
async fn a_request_to_restore_names_its_notes_once() {
    let client = shared().tenant().await;
    let id = Uuid::new_v4().to_string();
    for (body, status) in
        [(json!({}), 400), (json!({ "note_ids": [] }), 422), (json!({ "note_ids": [id, id] }), 422), (json!({ "note_ids": ["x"] }), 400)]
    {
        let answer = send(client.request(Method::POST, "/v1/trash/restore").json(&body)).await;
        assert_eq!((answer.status, answer.error(status)["field"].as_str()), (status, Some("note_ids")), "{body}");
    }
}
