//! `PUT /v1/ide-sync/update/{id}`: the version vector decides, and nothing is lost.

use noted_shared::domain::ContentHash;
use noted_tests::client::{id_of, note_in, note_update};
use noted_tests::world::shared;
use serde_json::{Value, json};
use sqlx::Row;
use uuid::Uuid;

use super::{assert_refused, comparable, with, without};

#[tokio::test]
async fn each_required_field_is_missed_by_name() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    for field in ["content", "content_sha256", "ide_last_modified", "sync_origin_id", "version_vector"] {
        let message = format!("Missing required field: {field}");
        let answer = client.update(id_of(&note), &without(note_update(&note, "two"), field)).await;
        assert_refused(&answer, (400, "VALIDATION_ERROR", Some(field), &message), field);
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], note);
}

#[tokio::test]
async fn values_that_cannot_be_are_refused_by_name() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let crowd: serde_json::Map<_, _> = (0..2049).map(|number| (format!("o{number}"), json!(1))).collect();
    let counters = "must hold whole numbers from 0 to 9007199254740991";
    let cases = [
        ("version_vector", json!([]), 400, "must be an object of counters by origin"),
        ("version_vector", json!("{}"), 400, "must be an object of counters by origin"),
        ("version_vector", json!({ "a": -1 }), 400, counters),
        ("version_vector", json!({ "a": 1.5 }), 400, counters),
        ("version_vector", json!({ "a": "1" }), 400, counters),
        ("version_vector", json!({ "a": 9_007_199_254_740_992_u64 }), 400, counters),
        ("version_vector", json!({ "a b": 1 }), 400, "has an origin that must be 1 to 128 visible ASCII characters"),
        ("version_vector", crowd.into(), 422, "names more than 2048 origins"),
        ("last_known_updated_at", json!("now"), 400, "is not an ISO 8601 date and time with a zone, such as 2026-01-31T09:30:00Z"),
        ("folder_id", json!("x"), 400, "is not a valid folder id (a UUID is expected)"),
        ("title", json!("x".repeat(201)), 422, "must be at most 200 characters"),
        ("title", json!(7), 400, "must be a string"),
        ("content", json!(7), 400, "must be a string"),
        ("content", json!("a\0b"), 422, "contains a NUL character"),
        ("file_metadata", json!([]), 400, "must be an object"),
    ];
    for (field, value, status, reason) in cases {
        let answer = client.update(id_of(&note), &with(note_update(&note, "two"), field, value.clone())).await;
        let message = format!("{field} {reason}");
        assert_refused(&answer, (status, "VALIDATION_ERROR", Some(field), &message), &format!("{field}: {value}"));
    }
    let wrong_hash = with(note_update(&note, "two"), "content_sha256", json!(ContentHash::of("three")));
    assert_eq!(client.update(id_of(&note), &wrong_hash).await.error(422)["code"], "INTEGRITY_ERROR");
    let too_large = note_update(&note, &"x".repeat((1 << 20) + 1));
    assert_eq!(client.update(id_of(&note), &too_large).await.error(413)["message"], "Content exceeds 1MB limit");
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], note);
}

#[tokio::test]
async fn who_has_seen_the_stored_version_may_replace_it() {
    let cases = [
        ("the same", json!({ "test-origin": 1 }), json!({ "test-origin": 2 })),
        ("one with a zero", json!({ "test-origin": 1, "agent": 0 }), json!({ "test-origin": 2 })),
    ];
    for (case, sent, stored) in cases {
        let client = shared().tenant().await;
        let note = client.note("a.md", "one").await;
        let answer = client.update(id_of(&note), &with(note_update(&note, "two"), "version_vector", sent)).await;
        let updated = answer.data(200)["note"].clone();
        assert_eq!((&updated["version_vector"], &updated["version"]), (&stored, &json!(2)), "{case}");
        assert_eq!(answer.header("etag"), format!("\"{}-2\"", id_of(&note)), "{case}");
    }
}

#[tokio::test]
async fn who_has_not_seen_it_gets_a_conflict_with_both_sides_and_changes_nothing() {
    let client = shared().tenant().await;
    let note = client.edited(&client.note("a.md", "one").await, "theirs").await;
    let cases = [("an older one", json!({ "test-origin": 1 })), ("none", json!({})), ("zeros", json!({ "test-origin": 0 }))];
    for (case, sent) in cases {
        let answer = client.update(id_of(&note), &with(note_update(&note, "mine"), "version_vector", sent.clone())).await;
        let noted = note["updated_at"].as_str().unwrap();
        let message = format!("Note was modified in Noted app. IDE timestamp: 2026-01-31T09:31:00.000000Z, Noted timestamp: {noted}");
        let details = assert_refused(&answer, (409, "CONFLICT", None, &message), case);
        let seen = if case == "zeros" { json!({}) } else { sent };
        assert_eq!(details["conflict_resolution_required"], true, "{case}");
        assert_eq!((&details["local_vector"], &details["remote_vector"]), (&seen, &note["version_vector"]), "{case}");
        assert_eq!((&details["ide_timestamp"], &details["noted_timestamp"]), (&json!("2026-01-31T09:31:00.000000Z"), &note["updated_at"]));
        for field in ["id", "title", "content", "content_sha256", "ide_file_path", "version", "version_vector", "created_at", "updated_at"]
        {
            assert_eq!(details["noted_version"][field], note[field], "{case}: {field}");
        }
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], note);
}

#[tokio::test]
async fn a_conflict_is_resolved_by_a_text_that_has_seen_both_sides() {
    let client = shared().tenant().await;
    let base = client.note("a.md", "base").await;
    client.update(id_of(&base), &with(note_update(&base, "theirs"), "sync_origin_id", "agent")).await.data(200);
    let refused = client.update(id_of(&base), &note_update(&base, "mine")).await.error(409)["details"].clone();
    let merged = with(note_update(&base, "theirs and mine"), "version_vector", refused["remote_vector"].clone());
    let note = client.update(id_of(&base), &merged).await.data(200)["note"].clone();
    assert_eq!(note["version_vector"], json!({ "agent": 1, "test-origin": 2 }));
    assert_eq!((&note["content"], &note["version"]), (&json!("theirs and mine"), &json!(3)));
}

#[tokio::test]
async fn the_same_text_from_two_writers_is_no_conflict() {
    let client = shared().tenant().await;
    let base = client.note("a.md", "base").await;
    let theirs = client.edited(&base, "the same").await;
    let mine = with(with(note_update(&base, "the same"), "sync_origin_id", "agent"), "version_vector", json!({}));
    assert_eq!(client.update(id_of(&base), &mine).await.data(200)["note"], theirs);
}

#[tokio::test]
async fn an_update_that_changes_nothing_makes_no_version() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let same = with(with(note_update(&note, "one"), "title", "A note"), "ide_file_path", "a.md");
    let answer = client.update(id_of(&note), &same).await;
    assert_eq!((answer.data(200)["note"].clone(), answer.header("etag")), (note.clone(), format!("\"{}-1\"", id_of(&note)).as_str()));
    assert_eq!(client.note("b.md", "b").await["seq"], 2, "no place in the order of changes was used");
}

#[tokio::test]
async fn if_match_demands_a_version() {
    let client = shared().tenant().await;
    let note = client.edited(&client.note("a.md", "one").await, "two").await;
    let path = format!("/v1/ide-sync/update/{}", id_of(&note));
    let put = |tag: &str, content: &str, key: &str| {
        let request = client.request(reqwest::Method::PUT, &path).header("If-Match", tag).header("Idempotency-Key", key);
        noted_tests::client::send(request.json(&note_update(&note, content)))
    };
    let expected = (412, "PRECONDITION_FAILED", Some("If-Match"), "The note is at version 2, not at the one in If-Match");
    for tag in ["\"1\"", "\"3\"", "\"0\""] {
        let details = assert_refused(&put(tag, "three", tag.trim_matches('"')).await, expected, tag);
        assert_eq!(details, json!({ "version": 2, "version_vector": note["version_vector"] }));
    }
    let unreadable = (400, "VALIDATION_ERROR", Some("If-Match"), "If-Match must be one entity tag that this API gave out, or *");
    for tag in ["2", "W/\"2\"", "\"two\"", "\"1\", \"2\"", "\"99999999999999999999\""] {
        assert_refused(&put(tag, "three", "k").await, unreadable, tag);
    }
    assert_eq!(put("\"2\"", "three", "a").await.data(200)["note"]["version"], 3);
    assert_eq!(put("*", "three", "b").await.data(200)["note"]["version"], 3, "any version, and nothing new");
    assert_eq!(put("\"2\"", "three", "a").await.header("idempotent-replayed"), "true", "a retry is answered, not judged anew");
}

#[tokio::test]
async fn the_time_of_the_last_change_may_be_demanded_too() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let stale = with(note_update(&note, "two"), "last_known_updated_at", "2026-01-01T00:00:00Z");
    assert_eq!(client.update(id_of(&note), &stale).await.error(409)["code"], "CONFLICT");
    let fresh = with(note_update(&note, "two"), "last_known_updated_at", note["updated_at"].clone());
    assert_eq!(client.update(id_of(&note), &fresh).await.data(200)["note"]["version"], 2);
}

#[tokio::test]
async fn a_clock_that_is_wrong_changes_no_winner() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let future = with(note_update(&note, "two"), "ide_last_modified", "2100-01-01T00:00:00Z");
    let second = client.update(id_of(&note), &future).await.data(200)["note"].clone();
    let past = with(note_update(&second, "three"), "ide_last_modified", "1970-01-01T00:00:00Z");
    let third = client.update(id_of(&note), &past).await.data(200)["note"].clone();
    assert_eq!((&third["content"], &third["ide_last_modified"]), (&json!("three"), &json!("1970-01-01T00:00:00.000000Z")));
    assert!(third["updated_at"].as_str() >= second["updated_at"].as_str(), "the server's own clock is what is told");
}

#[tokio::test]
async fn a_rename_moves_the_note_and_frees_its_old_path() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let renamed = client.update(id_of(&note), &with(note_update(&note, "one"), "ide_file_path", "b/c.md")).await.data(200)["note"].clone();
    assert_eq!((&renamed["ide_file_path"], &renamed["version"], &renamed["id"]), (&json!("b/c.md"), &json!(2), &note["id"]));
    client.note("a.md", "another").await;
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 2);
}

#[tokio::test]
async fn a_rename_onto_another_note_is_a_conflict_that_shows_it() {
    let client = shared().tenant().await;
    let (note, other) = (client.note("a.md", "one").await, client.note("b.md", "other").await);
    for (content, identical) in [("one", false), ("other", true)] {
        let answer = client.update(id_of(&note), &with(note_update(&note, content), "ide_file_path", "b.md")).await;
        let expected = (409, "CONFLICT", Some("ide_file_path"), "Another note already has this path");
        let details = assert_refused(&answer, expected, content);
        assert_eq!((&details["identical"], &details["noted_version"]["id"]), (&json!(identical), &other["id"]));
    }
    let listed = client.get("/v1/ide-sync/list").await.data(200);
    assert_eq!(listed["notes"], json!([note, other]));
}

#[tokio::test]
async fn what_is_absent_stays_and_null_takes_out_of_the_folder() {
    let client = shared().tenant().await;
    let folder = shared().folder(&client, "docs").await.to_string();
    let body = with(with(note_in("a.md", "one"), "folder_id", folder.clone()), "file_metadata", json!({ "platform": "linux" }));
    let note = client.create(&body).await.data(201)["note"].clone();
    let kept = client.edited(&note, "two").await;
    for field in ["title", "ide_file_path", "folder_id", "file_metadata", "created_at", "note_type"] {
        assert_eq!(kept[field], note[field], "{field}");
    }
    let counted = async || client.get(&format!("/v1/ide-sync/list?folder_id={folder}")).await.data(200)["total"].clone();
    assert_eq!(counted().await, 1);
    let out = client.update(id_of(&note), &with(note_update(&kept, "two"), "folder_id", Value::Null)).await.data(200)["note"].clone();
    assert_eq!((&out["folder_id"], counted().await), (&Value::Null, json!(0)));
    let back = with(with(note_update(&out, "two"), "folder_id", folder.clone()), "file_metadata", json!({}));
    let back = client.update(id_of(&note), &back).await.data(200)["note"].clone();
    assert_eq!((&back["folder_id"], &back["file_metadata"], counted().await), (&json!(folder), &json!({}), json!(1)));

    let unknown = Uuid::new_v4().to_string();
    let answer = client.update(id_of(&note), &with(note_update(&back, "three"), "folder_id", unknown.clone())).await;
    let message = format!("Folder with ID {unknown} not found");
    assert_refused(&answer, (404, "NOT_FOUND", Some("folder_id"), &message), "unknown folder");
    assert_eq!(counted().await, 1, "nothing was counted for a move that was refused");
}

#[tokio::test]
async fn a_replaced_text_is_kept_under_its_own_author_vector_and_hash() {
    let client = shared().tenant().await;
    let first = client.create(&with(note_in("a.md", "first text"), "sync_origin_id", "ada")).await.data(201)["note"].clone();
    let second =
        client.update(id_of(&first), &with(note_update(&first, "second text"), "sync_origin_id", "bob")).await.data(200)["note"].clone();
    let titled = client.update(id_of(&first), &with(note_update(&second, "second text"), "title", "New")).await.data(200)["note"].clone();
    assert_eq!(titled["version"], 3);
    client.delete(id_of(&first)).await.data(200);

    let kept = sqlx::query(
        "select version_number, title, content, content_sha256, version_vector::text, created_by from noted.note_revisions
         where note_id = $1::text::uuid order by version_number",
    );
    let kept = kept.bind(id_of(&first)).fetch_all(&mut shared().inside(&client).await).await.unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|row| {
            let vector: Value = serde_json::from_str(&row.get::<String, _>(4)).unwrap();
            (
                row.get::<i64, _>(0),
                row.get::<String, _>(1),
                row.get::<String, _>(2),
                row.get::<String, _>(3),
                vector,
                row.get::<String, _>(5),
            )
        })
        .collect();
    let version = |number: i64, title: &str, content: &str, vector: Value, author: &str| {
        (number, title.to_owned(), content.to_owned(), ContentHash::of(content).to_string(), vector, author.to_owned())
    };
    let expected = [
        version(1, "A note", "first text", json!({ "ada": 1 }), "ada"),
        // A new title replaced no text: version 2 was not kept twice, and version 3 holds the text that the delete took.
        version(3, "New", "second text", json!({ "ada": 1, "bob": 1, "test-origin": 1 }), "test-origin"),
    ];
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn an_id_that_is_none_is_refused_and_an_unknown_or_foreign_one_is_not_found() {
    let (client, stranger) = (shared().tenant().await, shared().tenant().await);
    let note = client.note("a.md", "one").await;
    for bad in ["not-a-uuid", "018f4d2e7c1a700080000123456789ab", "%7B018f4d2e-7c1a-7000-8000-0123456789ab%7D", "1", "%00", "..%2F"] {
        let expected = (400, "VALIDATION_ERROR", Some("id"), "id is not a valid note id (a UUID is expected)");
        assert_refused(&client.update(bad, &note_update(&note, "two")).await, expected, bad);
    }
    let unknown = Uuid::new_v4().to_string();
    let missing = stranger.update(&unknown, &note_update(&note, "two")).await;
    assert_refused(&missing, (404, "NOT_FOUND", None, &format!("Note with ID {unknown} not found")), "unknown");
    let foreign = stranger.update(id_of(&note), &note_update(&note, "two")).await;
    assert_eq!(comparable(&missing, &unknown), comparable(&foreign, id_of(&note)));
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], note);
}

#[tokio::test]
async fn a_deleted_note_cannot_be_updated() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    client.delete(id_of(&note)).await.data(200);
    let answer = client.update(id_of(&note), &note_update(&note, "two")).await;
    let details = assert_refused(&answer, (410, "GONE", None, "This note was deleted"), "deleted");
    assert_eq!((&details["version"], &details["version_vector"]), (&json!(2), &json!({ "test-origin": 2 })));
    assert_eq!(details["deleted_by"], "test-origin");
}
