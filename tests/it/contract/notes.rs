//! `/v1/notes`: notes as a resource, under the same rules as the editors' routes.

use noted_shared::domain::ContentHash;
use noted_tests::client::{id_of, note_update, send, tag_of};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, made, with};

fn path_of(note: &Value) -> String {
    format!("/v1/notes/{}", id_of(note))
}

#[tokio::test]
async fn a_note_is_made_of_a_title_and_a_text() {
    let client = shared().tenant().await;
    let answer = client.post("/v1/notes", &json!({ "title": "Plan", "content": "# Plan\n" })).await;
    let note = answer.data(201)["note"].clone();
    assert_eq!(
        (&note["note_type"], &note["ide_file_path"], &note["synced_from_ide"]),
        (&json!("user_created"), &Value::Null, &json!(false))
    );
    assert_eq!(note["content_sha256"], json!(ContentHash::of("# Plan\n")));
    assert_eq!((answer.header("location"), answer.header("etag")), (path_of(&note).as_str(), tag_of(&note).as_str()));
    assert!(note["last_sync_origin_id"].as_str().unwrap().starts_with("key-"), "without an origin the key is the writer: {note}");
    assert_eq!(client.get(&path_of(&note)).await.data(200)["note"], note);
    // It is in the editors' list and feed too, and counts as no sync.
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"], json!([note]));
    assert_eq!(client.get("/v1/ide-sync/status").await.data(200)["last_sync_at"], Value::Null);
}

#[tokio::test]
async fn a_create_without_a_key_is_refused_and_with_one_done_once() {
    let client = shared().tenant().await;
    let body = json!({ "title": "t", "content": "c" });
    let answer = send(client.request(Method::POST, "/v1/notes").json(&body)).await;
    assert_refused(&answer, (400, "VALIDATION_ERROR", Some("idempotency_key"), "Missing required field: idempotency_key"), "no key");
    let again = || send(client.request(Method::POST, "/v1/notes").header("Idempotency-Key", "k").json(&body));
    let (first, second) = (again().await, again().await);
    assert_eq!((first.data(201), second.header("idempotent-replayed")), (second.data(201), "true"));
    assert_eq!(client.get("/v1/notes").await.data(200)["total"], 1);
}

#[tokio::test]
async fn a_note_that_the_client_has_is_not_sent_again() {
    let client = shared().tenant().await;
    let note = made(&client, "t", "c").await;
    let get = |tag: String| send(client.request(Method::GET, &path_of(&note)).header("If-None-Match", tag));
    for tag in [tag_of(&note), format!("\"other\", W/{}", tag_of(&note)), "\"1\"".to_owned()] {
        let answer = get(tag.clone()).await;
        assert_eq!((answer.status, answer.body.as_str(), answer.header("etag")), (304, "", tag_of(&note).as_str()), "{tag}");
    }
    for tag in ["\"2\"".to_owned(), tag_of(&with(note.clone(), "version", 2)), "x".to_owned(), String::new()] {
        assert_eq!(get(tag.clone()).await.status, 200, "{tag}");
    }
    client.edited(&note, "changed").await;
    let answer = get(tag_of(&note)).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "private, no-cache"));
    assert_eq!(answer.data(200)["note"]["content"], "changed");
}

#[tokio::test]
async fn a_change_must_say_which_version_it_replaces() {
    let client = shared().tenant().await;
    let note = made(&client, "t", "c").await;
    let expected = (428, "PRECONDITION_REQUIRED", Some("If-Match"), "Send If-Match with the ETag of the version that you have seen");
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let request = client.request(method.clone(), &path_of(&note)).json(&json!({ "title": "x", "content": "y" }));
        assert_refused(&send(request).await, expected, method.as_str());
    }
    let stale = client.write(Method::PATCH, &path_of(&note), "\"7\"", &json!({ "title": "x" })).await;
    let message = "The note is at version 1, not at the one in If-Match";
    assert_refused(&stale, (412, "PRECONDITION_FAILED", Some("If-Match"), message), "stale");
    let other = made(&client, "other", "c").await;
    assert_eq!(client.write(Method::DELETE, &path_of(&note), &tag_of(&other), &json!({})).await.status, 412, "the tag of another note");
    assert_eq!(client.get(&path_of(&note)).await.data(200)["note"], note);
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let client = shared().tenant().await;
    let folder = shared().folder(&client, "f").await.to_string();
    let mut note = made(&client, "t", "c").await;
    for (patch, field, expected) in [
        (json!({ "title": "new" }), "title", json!("new")),
        (json!({ "content": "longer" }), "content", json!("longer")),
        (json!({ "ide_file_path": "a/b.md" }), "ide_file_path", json!("a/b.md")),
        (json!({ "folder_id": folder }), "folder_id", json!(folder)),
        (json!({ "folder_id": null }), "folder_id", Value::Null),
        (json!({ "ide_file_path": null }), "ide_file_path", Value::Null),
        (json!({ "tags": ["a", "b"] }), "source_metadata", json!({ "tags": ["a", "b"] })),
        (json!({ "source_metadata": { "tags": [] } }), "source_metadata", json!({ "tags": [] })),
        (json!({ "file_metadata": { "platform": "linux" } }), "file_metadata", json!({ "platform": "linux" })),
    ] {
        let answer = client.write(Method::PATCH, &path_of(&note), &tag_of(&note), &patch).await;
        let changed = answer.data(200)["note"].clone();
        assert_eq!((&changed[field], &changed["version"]), (&expected, &json!(note["version"].as_i64().unwrap() + 1)), "{patch}");
        assert_eq!(client.get(&path_of(&note)).await.data(200)["note"], changed, "{patch}");
        note = changed;
    }
    assert_eq!((&note["title"], &note["content"]), (&json!("new"), &json!("longer")));
}

#[tokio::test]
async fn a_patch_is_judged_by_the_kind_that_the_note_has() {
    let client = shared().tenant().await;
    let patch = async |note: &Value, body: Value| client.write(Method::PATCH, &path_of(note), "*", &body).await;
    let file = client.note("a.md", "a").await;
    let message = "ide_file_path cannot be taken from a note that is an editor's file";
    let answer = patch(&file, json!({ "ide_file_path": null })).await;
    assert_refused(&answer, (422, "VALIDATION_ERROR", Some("ide_file_path"), message), "an editor's file");
    let message = "source_metadata has the field 'agent_name', which ide_synced notes do not have";
    let answer = patch(&file, json!({ "source_metadata": { "agent_name": "x" } })).await;
    assert_refused(&answer, (422, "VALIDATION_ERROR", Some("source_metadata"), message), "facts of another kind");
    let message = "note_type cannot be changed; the note is ide_synced";
    assert_refused(&patch(&file, json!({ "note_type": "import" })).await, (422, "VALIDATION_ERROR", Some("note_type"), message), "a kind");
    assert_eq!(patch(&file, json!({ "note_type": "ide_synced" })).await.data(200)["note"]["version"], 1, "nothing new");

    let body = json!({ "title": "t", "content": "c", "note_type": "import", "source_metadata": { "import_source": "x" } });
    let note = client.post("/v1/notes", &body).await.data(201)["note"].clone();
    let tagged = patch(&note, json!({ "tags": ["t"] })).await.data(200)["note"].clone();
    assert_eq!(tagged["source_metadata"], json!({ "import_source": "x", "tags": ["t"] }), "its other facts stay");
    assert_eq!(patch(&note, json!({ "tags": "t" })).await.error(400)["field"], "tags");
}

#[tokio::test]
async fn a_replacement_empties_what_it_does_not_name() {
    let client = shared().tenant().await;
    let body = json!({ "title": "t", "content": "c", "ide_file_path": "a.md", "note_type": "import", "source_metadata": { "import_source": "x" } });
    let note = client.post("/v1/notes", &body).await.data(201)["note"].clone();
    let answer = client.write(Method::PUT, &path_of(&note), &tag_of(&note), &json!({ "title": "n", "content": "m" })).await;
    let expected = (422, "VALIDATION_ERROR", Some("note_type"), "note_type cannot be changed; the note is import");
    assert_refused(&answer, expected, "the type when absent is user_created");
    let body = json!({ "title": "n", "content": "m", "note_type": "import" });
    let replaced = client.write(Method::PUT, &path_of(&note), &tag_of(&note), &body).await.data(200)["note"].clone();
    assert_eq!((&replaced["ide_file_path"], &replaced["source_metadata"], &replaced["title"]), (&Value::Null, &json!({}), &json!("n")));
}

#[tokio::test]
async fn a_deleted_note_is_410_and_can_be_brought_back() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "text").await;
    client.write(Method::DELETE, &path_of(&note), &tag_of(&note), &json!({})).await.data(200);
    let details = assert_refused(&client.get(&path_of(&note)).await, (410, "GONE", None, "This note was deleted"), "read");
    assert_eq!((&details["deleted_by"], &details["version"]), (&json!("test-origin"), &json!(2)));
    let patched = client.write(Method::PATCH, &path_of(&note), "*", &json!({ "title": "x" })).await;
    assert_refused(&patched, (410, "GONE", None, "This note was deleted"), "patch");
    assert_eq!(client.get("/v1/notes").await.data(200)["total"], 0);

    let restored = client.post(&format!("{}/restore", path_of(&note)), &Value::Null).await.data(200)["note"].clone();
    assert_eq!((&restored["content"], &restored["version"], &restored["seq"]), (&json!("text"), &json!(3), &json!(3)));
    let again = client.post(&format!("{}/restore", path_of(&note)), &Value::Null).await.data(200)["note"].clone();
    assert_eq!(again, restored, "what lives stays as it is");
    let page = client.changes("").await.data(200);
    assert_eq!((&page["changes"][0]["deleted_at"], &page["changes"][0]["content"]), (&Value::Null, &json!("text")));
    assert_eq!(client.get("/v1/ide-sync/status").await.data(200)["total_synced_notes"], 1);
}

#[tokio::test]
async fn a_note_whose_path_was_taken_meanwhile_is_not_brought_back() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    client.delete(id_of(&note)).await.data(200);
    let other = client.note("a.md", "two").await;
    let answer = client.post(&format!("{}/restore", path_of(&note)), &Value::Null).await;
    let expected = (409, "CONFLICT", Some("ide_file_path"), "Another note already has this path");
    assert_eq!(assert_refused(&answer, expected, "restore")["noted_version"]["id"], other["id"]);
}

#[tokio::test]
async fn an_unknown_and_a_foreign_note_are_not_there() {
    let (owner, stranger) = (shared().tenant().await, shared().tenant().await);
    let note = made(&owner, "t", "secret").await;
    let unknown = Uuid::new_v4().to_string();
    for suffix in ["", "/revisions", "/revisions/1", "/diff?from=1&to=1"] {
        for id in [id_of(&note), unknown.as_str()] {
            let answer = stranger.get(&format!("/v1/notes/{id}{suffix}")).await;
            assert_refused(&answer, (404, "NOT_FOUND", None, &format!("Note with ID {id} not found")), suffix);
        }
    }
    for suffix in ["/restore", "/restore/1"] {
        assert_eq!(stranger.post(&format!("/v1/notes/{}{suffix}", id_of(&note)), &Value::Null).await.status, 404, "{suffix}");
    }
    let malformed = (400, "VALIDATION_ERROR", Some("id"), "id is not a valid note id (a UUID is expected)");
    assert_refused(&stranger.get("/v1/notes/x").await, malformed, "x");
    assert_eq!(stranger.get("/v1/notes/x/y/z").await.error(404)["message"], "No such route");
}

#[tokio::test]
async fn a_list_shows_what_is_asked_for() {
    let client = shared().tenant().await;
    let folder = shared().folder(&client, "f").await.to_string();
    let in_folder =
        client.create(&with(noted_tests::client::note_in("docs/a.md", "a"), "folder_id", folder.clone())).await.data(201)["note"].clone();
    let plain = client.note("docs/a_b.md", "b").await;
    let odd = client.note("docs/axb.md", "c").await;
    let own = made(&client, "mine", "d").await;
    let since = own["updated_at"].as_str().unwrap().replace('+', "%2B");
    let check = async |query: &str, expected: &[&Value]| {
        let page = client.get(&format!("/v1/notes?{query}")).await.data(200);
        let ids: Vec<&Value> = page["notes"].as_array().unwrap().iter().map(|note| &note["id"]).collect();
        assert_eq!(ids, expected.iter().map(|note| &note["id"]).collect::<Vec<_>>(), "{query}");
        assert_eq!(page["total"], expected.len(), "{query}");
    };
    check("", &[&in_folder, &plain, &odd, &own]).await;
    check(&format!("folder_id={folder}"), &[&in_folder]).await;
    check("note_type=user_created", &[&own]).await;
    check("path_prefix=docs/", &[&in_folder, &plain, &odd]).await;
    check("path_prefix=docs/a_", &[&plain]).await;
    check("path_prefix=docs/%25", &[]).await;
    check(&format!("updated_since={since}"), &[&own]).await;
    check(&format!("updated_before={since}"), &[&in_folder, &plain, &odd]).await;
    check(&format!("note_type=ide_synced&path_prefix=docs/a&folder_id={folder}"), &[&in_folder]).await;
}

#[tokio::test]
async fn pages_follow_one_another_and_have_the_named_fields() {
    let client = shared().tenant().await;
    for number in 0..5 {
        client.note(&format!("{number}.md"), "text").await;
    }
    let (mut query, mut titles) = ("limit=2&fields=id,ide_file_path".to_owned(), Vec::new());
    loop {
        let page = client.get(&format!("/v1/notes?{query}")).await.data(200);
        for note in page["notes"].as_array().unwrap() {
            assert_eq!(note.as_object().unwrap().len(), 2, "{note}");
            titles.push(note["ide_file_path"].clone());
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("limit=2&fields=id,ide_file_path&cursor={cursor}");
    }
    assert_eq!(titles, ["0.md", "1.md", "2.md", "3.md", "4.md"]);
    let without = client.get("/v1/notes").await.data(200);
    assert_eq!(without["notes"][0].get("content"), None, "a list has no texts unless they are asked for");
    let refused = client.get("/v1/notes?fields=id,tilte").await.error(400);
    assert_eq!(refused["message"], "fields has the name \"tilte\", which is unknown; did you mean \"title\"?");
}

#[tokio::test]
async fn a_lists_tag_changes_with_every_change_of_the_collection() {
    let client = shared().tenant().await;
    let list = |query: &str, tag: &str| send(client.request(Method::GET, &format!("/v1/notes{query}")).header("If-None-Match", tag));
    let mut note = client.note("a.md", "one").await;
    let mut tag = list("", "x").await.header("etag").to_owned();
    for step in ["update", "move", "delete", "restore", "create"] {
        assert_eq!(list("", &tag).await.status, 304, "nothing has changed before: {step}");
        assert_eq!(list("?limit=1", &tag).await.status, 200, "another question");
        match step {
            "update" => note = client.edited(&note, "two").await,
            "move" => {
                let moved = with(note_update(&note, "two"), "ide_file_path", "b.md");
                note = client.update(id_of(&note), &moved).await.data(200)["note"].clone();
            }
            "delete" => _ = client.delete(id_of(&note)).await.data(200),
            "restore" => _ = client.post(&format!("{}/restore", path_of(&note)), &Value::Null).await.data(200),
            _ => _ = made(&client, "t", "c").await,
        }
        let answer = list("", &tag).await;
        assert_eq!(answer.status, 200, "{step}");
        assert_ne!(answer.header("etag"), tag, "{step}");
        tag = answer.header("etag").to_owned();
    }
    let stranger = shared().tenant().await;
    let answer = send(stranger.request(Method::GET, "/v1/notes").header("If-None-Match", &tag)).await;
    assert_eq!(answer.status, 200, "the tag of another workspace");
}
