//! `POST /v1/ide-sync/create`: what a note needs, and what comes back.

use noted_shared::domain::ContentHash;
use noted_tests::client::{id_of, note_in};
use noted_tests::world::shared;
use serde_json::{Value, json};

use super::{assert_refused, with, without};

const REQUIRED: [&str; 6] = ["title", "content", "content_sha256", "ide_file_path", "ide_last_modified", "sync_origin_id"];

/// Whether the text comes back from a list exactly as it was sent.
async fn survives(name: &str, content: &str) {
    let client = shared().tenant().await;
    let note = client.note("a.md", content).await;
    assert_eq!(note["content"], content, "{name}: the answer");
    let stored = client.get("/v1/ide-sync/list").await.data(200)["notes"][0].clone();
    assert_eq!(stored["content"], content, "{name}: the stored text");
    assert_eq!(stored["content_sha256"], json!(ContentHash::of(content)), "{name}");
}

#[tokio::test]
async fn a_note_is_answered_whole_with_201() {
    let client = shared().tenant().await;
    let answer = client.create(&note_in("docs/architecture.md", "# Architecture\n")).await;
    let data = answer.data(201);
    assert_eq!(data["success"], true);
    let mut note = data["note"].clone();
    for field in ["id", "created_at", "updated_at", "last_ide_sync_at"] {
        assert!(note[field].is_string(), "{field}: {note}");
        note[field] = Value::Null;
    }
    let expected = json!({
        "id": null, "title": "A note", "content": "# Architecture\n", "content_sha256": ContentHash::of("# Architecture\n"),
        "note_type": "ide_synced", "source_metadata": {}, "file_metadata": {}, "synced_from_ide": true,
        "ide_file_path": "docs/architecture.md", "ide_last_modified": "2026-01-31T09:30:00.000000Z", "last_ide_sync_at": null,
        "folder_id": null, "version": 1, "version_vector": { "test-origin": 1 }, "seq": 1, "last_sync_origin_id": "test-origin",
        "author": { "key_id": null, "kind": "ide", "model": null }, "created_at": null, "updated_at": null,
    });
    assert!(note["author"]["key_id"].take().is_string());
    assert_eq!(note, expected);
    assert_eq!(answer.header("etag"), format!("\"{}-1\"", id_of(&data["note"])));
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], data["note"], "what is listed is what was answered");
}

#[tokio::test]
async fn each_required_field_is_missed_by_name() {
    let client = shared().tenant().await;
    for field in REQUIRED {
        for (body, how) in [(without(note_in("a.md", "a"), field), "absent"), (with(note_in("a.md", "a"), field, Value::Null), "null")] {
            let message = format!("Missing required field: {field}");
            assert_refused(&client.create(&body).await, (400, "VALIDATION_ERROR", Some(field), &message), how);
        }
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 0, "nothing was stored");
}

#[tokio::test]
async fn each_field_of_another_type_is_refused_by_name() {
    let client = shared().tenant().await;
    let strings = REQUIRED.into_iter().chain(["folder_id", "note_type", "idempotency_key"]);
    for field in strings {
        for value in [json!(7), json!(true), json!([]), json!({}), json!(["a"])] {
            let body = with(note_in("a.md", "a"), field, value.clone());
            let answer = match field {
                // Said in the body alone: a header of another form would be the first thing to complain about.
                "idempotency_key" => {
                    let request = client.request(reqwest::Method::POST, "/v1/ide-sync/create").json(&body);
                    noted_tests::client::send(request).await
                }
                _ => client.create(&body).await,
            };
            let message = format!("{field} must be a string");
            assert_refused(&answer, (400, "VALIDATION_ERROR", Some(field), &message), &format!("{field}: {value}"));
        }
    }
    for field in ["source_metadata", "file_metadata"] {
        for value in [json!(7), json!(true), json!([]), json!("{}")] {
            let answer = client.create(&with(note_in("a.md", "a"), field, value.clone())).await;
            let message = format!("{field} must be an object");
            assert_refused(&answer, (400, "VALIDATION_ERROR", Some(field), &message), &format!("{field}: {value}"));
        }
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 0, "nothing was stored");
}

#[tokio::test]
async fn values_of_the_right_type_and_the_wrong_form_are_refused_by_name() {
    let client = shared().tenant().await;
    let time = "is not an ISO 8601 date and time with a zone, such as 2026-01-31T09:30:00Z";
    let hash = "is not a SHA-256 hash (64 lower-case hexadecimal digits are expected)";
    let origin = "must be 1 to 128 visible ASCII characters";
    let title = "must be one line without control characters";
    let cases = [
        ("ide_last_modified", json!("yesterday"), 400, time),
        ("ide_last_modified", json!("2026-01-31"), 400, time),
        ("ide_last_modified", json!("2026-02-30T00:00:00Z"), 400, time),
        ("ide_last_modified", json!("2026-01-31T09:30:00"), 400, time),
        ("content_sha256", json!("abc"), 400, hash),
        ("content_sha256", json!("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"), 400, hash),
        ("sync_origin_id", json!(""), 422, origin),
        ("sync_origin_id", json!("two words"), 422, origin),
        ("sync_origin_id", json!("caf\u{e9}"), 422, origin),
        ("sync_origin_id", json!("a\0b"), 422, origin),
        ("sync_origin_id", json!("x".repeat(129)), 422, origin),
        ("folder_id", json!("not-a-uuid"), 400, "is not a valid folder id (a UUID is expected)"),
        ("title", json!(""), 422, "must not be empty"),
        ("title", json!(" \u{a0}"), 422, "must not be empty"),
        ("title", json!("two\nlines"), 422, title),
        ("title", json!("a\0b"), 422, title),
        ("title", json!("\u{e9}".repeat(201)), 422, "must be at most 200 characters"),
        ("content", json!("a\0b"), 422, "contains a NUL character"),
        ("note_type", json!("poem"), 422, "must be one of user_created, ide_synced, agent_generated, import, template"),
    ];
    for (field, value, status, reason) in cases {
        let answer = client.create(&with(note_in("a.md", "a"), field, value.clone())).await;
        let message = format!("{field} {reason}");
        assert_refused(&answer, (status, "VALIDATION_ERROR", Some(field), &message), &format!("{field}: {value}"));
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 0, "nothing was stored");
}

#[tokio::test]
async fn all_invalid_fields_are_reported_together() {
    let client = shared().tenant().await;
    let body = json!({ "title": "", "content": 7, "content_sha256": "x", "ide_file_path": "../x", "folder_id": "y", "file_metadata": [] });
    let answer = client.create(&body).await;
    let errors = answer.json()["errors"].clone();
    let mut fields: Vec<_> = errors.as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap_or_default()).collect();
    fields.sort_unstable();
    let expected =
        ["content", "content_sha256", "file_metadata", "folder_id", "ide_file_path", "ide_last_modified", "sync_origin_id", "title"];
    assert_eq!((answer.status, fields.as_slice()), (400, expected.as_slice()), "{errors}");
}

#[tokio::test]
async fn a_text_with_another_hash_is_refused_with_both_hashes_and_not_stored() {
    let client = shared().tenant().await;
    let body = with(note_in("a.md", "what arrived"), "content_sha256", json!(ContentHash::of("what was sent")));
    let expected = (422, "INTEGRITY_ERROR", Some("content_sha256"), "Content integrity check failed");
    let details = assert_refused(&client.create(&body).await, expected, "hash");
    assert_eq!(details, json!({ "expected": ContentHash::of("what was sent"), "actual": ContentHash::of("what arrived") }));
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 0);
    client.note("a.md", "what arrived").await;
}

#[tokio::test]
async fn texts_come_back_byte_for_byte() {
    let cases = [
        ("empty", ""),
        ("byte order mark", "\u{feff}# Title\n"),
        ("line ends", "a\r\nb\rc\nd\n\r"),
        ("emoji", "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f1e9}\u{1f1ea} \u{10ffff}"),
        ("not normalised", "e\u{301} \u{e9} \u{fb01} \u{212b}"),
        ("controls", "\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{85}\u{2028}\u{202e}"),
        ("markup", "<script>alert(1)</script> ${7*7} {{7*7}} %00 \\u0000 \\ \" '"),
        ("sql", "'; drop table noted.notes; -- $1 $$ E'\\'' %s"),
        ("search syntax", "\"unterminated OR -- ( & | ! :* <-> %_\\"),
        ("unterminated front matter", "---\nanchor: &a [*a, *a]\nyes: no\n\tdate: 2026-01-31\n"),
    ];
    for (name, content) in cases {
        survives(name, content).await;
    }
}

#[tokio::test]
async fn texts_that_search_indexes_choke_on_are_kept() {
    let words: String = (0..40_000).map(|number| format!("word{number} ")).collect();
    survives("40,000 distinct words", &words).await;
    survives("a word of 3,000 characters", &"x".repeat(3000)).await;
    survives("one long line without spaces", &"\u{4e2d}".repeat(100_000)).await;
}

#[tokio::test]
async fn a_title_is_measured_in_characters() {
    let client = shared().tenant().await;
    for (number, title) in ["x".repeat(200), "\u{1f600}".repeat(200), "\u{e9}".to_owned()].into_iter().enumerate() {
        let body = with(note_in(&format!("{number}.md"), "a"), "title", title.clone());
        assert_eq!(client.create(&body).await.data(201)["note"]["title"], title);
    }
}

#[tokio::test]
async fn every_kind_of_note_keeps_its_own_facts_and_no_others() {
    let client = shared().tenant().await;
    let kinds = [
        ("user_created", json!({}), json!({ "agent_name": "x" })),
        ("ide_synced", json!({ "ide_file_path": "a.md", "original_file_size": 9, "file_author": "ada" }), json!({ "import_source": "x" })),
        ("agent_generated", json!({ "agent_name": "scribe", "confidence_score": 0.5 }), json!({ "template_author": "x" })),
        ("import", json!({ "import_source": "other", "import_date": "2026-01-01T00:00:00Z" }), json!({ "file_author": "x" })),
        ("template", json!({ "template_category": "minutes" }), json!({ "original_url": "x" })),
    ];
    for (kind, own, foreign) in kinds {
        let body = with(note_in(&format!("{kind}.md"), "a"), "note_type", kind);
        let note = client.create(&with(body.clone(), "source_metadata", own.clone())).await.data(201)["note"].clone();
        assert_eq!((&note["note_type"], &note["source_metadata"]), (&json!(kind), &own));
        assert_eq!(note["synced_from_ide"], kind == "ide_synced", "{kind}");

        let answer = client.create(&with(with(body, "ide_file_path", "b.md"), "source_metadata", foreign.clone())).await;
        assert_eq!((answer.status, answer.error(422)["field"].as_str()), (422, Some("source_metadata")), "{kind}: {foreign}");
    }
    let listed = client.get("/v1/ide-sync/list").await.data(200);
    let kinds: Vec<_> = listed["notes"].as_array().unwrap().iter().map(|note| note["note_type"].clone()).collect();
    assert_eq!(kinds, ["user_created", "ide_synced", "agent_generated", "import", "template"]);
}

#[tokio::test]
async fn only_an_agents_note_may_lack_a_path() {
    let client = shared().tenant().await;
    let body = without(note_in("a.md", "a"), "ide_file_path");
    for kind in ["user_created", "ide_synced", "import", "template"] {
        let expected = (400, "VALIDATION_ERROR", Some("ide_file_path"), "Missing required field: ide_file_path");
        assert_refused(&client.create(&with(body.clone(), "note_type", kind)).await, expected, kind);
    }
    for _ in 0..2 {
        let note = client.create(&with(body.clone(), "note_type", "agent_generated")).await.data(201)["note"].clone();
        assert_eq!(note["ide_file_path"], Value::Null, "two notes without a path are not in each other's way");
    }
}

#[tokio::test]
async fn facts_about_the_file_are_stored_as_sent() {
    let client = shared().tenant().await;
    let facts = json!({
        "original_mtime": "2026-01-01T00:00:00Z", "file_size_bytes": 9_007_199_254_740_991_u64, "file_permissions": "0644",
        "author_name": "Ada \u{1f600}", "author_email": "ada@example.com", "git_commit_hash": "abc", "git_branch": "main",
        "ide_version": "1", "platform": "linux",
    });
    client.create(&with(note_in("a.md", "a"), "file_metadata", facts.clone())).await.data(201);
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0]["file_metadata"], facts);

    let cases = [
        (json!({ "favourite_colour": "blue" }), 422),
        (json!({ "__proto__": {} }), 422),
        (json!({ "file_size_bytes": "9" }), 400),
        (json!({ "file_size_bytes": -1 }), 400),
        (json!({ "file_size_bytes": 1.5 }), 400),
        (json!({ "file_size_bytes": 9_007_199_254_740_993_u64 }), 400),
        (json!({ "original_mtime": "yesterday" }), 400),
        (json!({ "author_name": "x".repeat(4097) }), 422),
        (json!({ "author_name": "a\0b" }), 422),
    ];
    for (facts, status) in cases {
        let answer = client.create(&with(note_in("b.md", "a"), "file_metadata", facts.clone())).await;
        assert_eq!((answer.status, answer.error(status)["field"].as_str()), (status, Some("file_metadata")), "{facts}");
    }
}

#[tokio::test]
async fn a_note_goes_into_a_folder_that_is_there() {
    let client = shared().tenant().await;
    let folder = shared().folder(&client, "docs").await.to_string();
    let note = client.create(&with(note_in("a.md", "a"), "folder_id", folder.clone())).await.data(201)["note"].clone();
    assert_eq!(note["folder_id"], folder);

    let unknown = uuid::Uuid::new_v4().to_string();
    let answer = client.create(&with(note_in("b.md", "a"), "folder_id", unknown.clone())).await;
    let message = format!("Folder with ID {unknown} not found");
    assert_refused(&answer, (404, "NOT_FOUND", Some("folder_id"), &message), "unknown folder");
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 1);
}

#[tokio::test]
async fn a_taken_path_is_a_conflict_that_shows_the_note_which_has_it() {
    let client = shared().tenant().await;
    let first = client.note("a.md", "first").await;
    for (content, identical) in [("first", true), ("second", false)] {
        let expected = (409, "CONFLICT", Some("ide_file_path"), "Another note already has this path");
        let details = assert_refused(&client.create(&note_in("a.md", content)).await, expected, content);
        assert_eq!(details["identical"], identical);
        for field in ["id", "title", "content", "content_sha256", "ide_file_path", "version", "version_vector", "created_at", "updated_at"]
        {
            assert_eq!(details["noted_version"][field], first[field], "{field}");
        }
    }
    let listed = client.get("/v1/ide-sync/list").await.data(200);
    assert_eq!((&listed["total"], &listed["notes"][0]), (&json!(1), &first));
}

#[tokio::test]
async fn the_same_path_is_free_in_every_workspace() {
    let (one, other) = (shared().tenant().await, shared().tenant().await);
    let (first, second) = (one.note("a.md", "first").await, other.note("a.md", "second").await);
    assert_ne!(id_of(&first), id_of(&second));
    assert_eq!((&first["seq"], &second["seq"]), (&json!(1), &json!(1)), "each workspace counts for itself");
}
