//! `GET /v1/ide-sync/list`: pages that miss nothing and show nothing twice.

use std::collections::BTreeSet;

use futures::future::join_all;
use futures::{StreamExt, stream};
use noted_tests::client::{Client, id_of, note_in, send};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, with};

async fn page(client: &Client, query: &str) -> Value {
    client.get(&format!("/v1/ide-sync/list?{query}")).await.data(200)
}

fn paths(page: &Value) -> Vec<String> {
    page["notes"].as_array().unwrap().iter().map(|note| note["ide_file_path"].as_str().unwrap().to_owned()).collect()
}

/// Notes `000.md` and on, made one after the other.
async fn notes(client: &Client, count: usize) -> Vec<Value> {
    let mut made = Vec::new();
    for number in 0..count {
        made.push(client.note(&format!("{number:03}.md"), "text").await);
    }
    made
}

/// Every page from the first to the last, by cursor.
async fn walk(client: &Client, query: &str) -> Vec<Value> {
    let mut pages = vec![page(client, query).await];
    while let Some(cursor) = pages.last().and_then(|page| page["next_cursor"].as_str()) {
        let next = page(client, &format!("{query}&cursor={cursor}")).await;
        pages.push(next);
    }
    pages
}

#[tokio::test]
async fn an_empty_workspace_has_an_empty_page() {
    let client = shared().tenant().await;
    let expected = json!({ "notes": [], "total": 0, "has_more": false, "next_cursor": null });
    assert_eq!(page(&client, "").await, expected);
}

#[tokio::test]
async fn a_page_tells_how_many_there_are_and_whether_more_follow() {
    let client = shared().tenant().await;
    notes(&client, 3).await;
    for (limit, length, has_more) in [(1, 1, true), (2, 2, true), (3, 3, false), (500, 3, false)] {
        let page = page(&client, &format!("limit={limit}")).await;
        assert_eq!(
            (page["notes"].as_array().unwrap().len(), &page["total"], &page["has_more"]),
            (length, &json!(3), &json!(has_more)),
            "{limit}"
        );
        assert_eq!(page["next_cursor"].is_string(), has_more, "{limit}");
    }
}

#[tokio::test]
async fn without_a_limit_a_page_has_a_hundred_notes() {
    let client = shared().tenant().await;
    let creates = stream::iter(0..101).map(async |number| client.note(&format!("{number}.md"), "").await);
    assert_eq!(creates.buffer_unordered(8).count().await, 101);
    let page = page(&client, "").await;
    assert_eq!((page["notes"].as_array().unwrap().len(), &page["total"], &page["has_more"]), (100, &json!(101), &json!(true)));
}

#[tokio::test]
async fn offsets_page_through_a_still_workspace_without_overlap() {
    let client = shared().tenant().await;
    let made = notes(&client, 10).await;
    let mut seen = Vec::new();
    for offset in [0, 4, 8, 12] {
        let page = page(&client, &format!("limit=4&offset={offset}")).await;
        assert_eq!((&page["total"], &page["has_more"]), (&json!(10), &json!(offset < 6)), "{offset}");
        seen.extend(page["notes"].as_array().unwrap().clone());
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn cursors_show_each_note_once_while_others_write() {
    let client = shared().tenant().await;
    let made = notes(&client, 40).await;
    let (kept, doomed) = made.split_at(30);
    let write = async {
        for (number, note) in doomed.iter().enumerate() {
            client.delete(id_of(note)).await.data(200);
            client.note(&format!("new-{number}.md"), "new").await;
            client.edited(&kept[number], "edited").await;
        }
    };
    let (pages, ()) = tokio::join!(walk(&client, "limit=3"), write);
    let seen: Vec<String> = pages.iter().flat_map(paths).collect();
    let distinct: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(seen.len(), distinct.len(), "a note came twice: {seen:?}");
    for note in kept {
        assert!(distinct.contains(note["ide_file_path"].as_str().unwrap()), "{note} was missed");
    }
}

#[tokio::test]
async fn a_folder_shows_its_own_notes_only() {
    let client = shared().tenant().await;
    let (docs, empty) = (shared().folder(&client, "docs").await, shared().folder(&client, "empty").await);
    notes(&client, 2).await;
    for number in 0..3 {
        client.create(&with(note_in(&format!("docs/{number}.md"), "text"), "folder_id", docs.to_string())).await.data(201);
    }
    let first = page(&client, &format!("folder_id={docs}&limit=2")).await;
    assert_eq!(
        (paths(&first), &first["total"], &first["has_more"]),
        (vec!["docs/0.md".into(), "docs/1.md".into()], &json!(3), &json!(true))
    );
    let all: Vec<_> = walk(&client, &format!("folder_id={docs}&limit=2")).await.iter().flat_map(paths).collect();
    assert_eq!(all, ["docs/0.md", "docs/1.md", "docs/2.md"]);
    for nothing in [empty, Uuid::new_v4()] {
        let page = page(&client, &format!("folder_id={nothing}")).await;
        assert_eq!((&page["notes"], &page["total"], &page["has_more"]), (&json!([]), &json!(0), &json!(false)));
    }
}

#[tokio::test]
async fn modified_since_shows_what_changed_then_or_later() {
    let client = shared().tenant().await;
    let made = notes(&client, 4).await;
    let edited = client.edited(&made[1], "edited").await;
    let since = async |at: &Value| {
        let request = client.request(Method::GET, "/v1/ide-sync/list").query(&[("modified_since", at.as_str().unwrap())]);
        let page = send(request).await.data(200);
        assert_eq!(page["total"], paths(&page).len());
        paths(&page)
    };
    assert_eq!(since(&made[2]["updated_at"]).await, ["001.md", "002.md", "003.md"]);
    assert_eq!(since(&edited["updated_at"]).await, ["001.md"]);
    assert_eq!(since(&json!("2999-01-01T00:00:00+02:00")).await, Vec::<String>::new());
    assert_eq!(since(&json!("1970-01-01T00:00:00Z")).await.len(), 4);
}

#[tokio::test]
async fn a_list_without_texts_has_everything_else() {
    let client = shared().tenant().await;
    let mut note = client.note("a.md", "one").await;
    let listed = page(&client, "include_content=false").await["notes"][0].clone();
    assert!(listed.get("content").is_none_or(Value::is_null), "{listed}");
    note["content"] = Value::Null;
    assert_eq!(with(listed, "content", Value::Null), note);
    assert_eq!(page(&client, "include_content=true").await["notes"][0]["content"], "one");
}

#[tokio::test]
async fn a_page_of_large_notes_ends_early_and_the_next_one_goes_on() {
    let client = shared().tenant().await;
    let text = "x".repeat(1 << 20);
    join_all((0..10).map(async |number| client.note(&format!("{number}.md"), &text).await)).await;
    let pages = walk(&client, "limit=500").await;
    let lengths: Vec<_> = pages.iter().map(|page| page["notes"].as_array().unwrap().len()).collect();
    assert_eq!(lengths, [7, 3], "eight mebibytes on a page, and each text with its note is more than one");
    assert_eq!((&pages[0]["has_more"], &pages[0]["total"]), (&json!(true), &json!(10)));
    assert_eq!(pages.iter().flat_map(paths).collect::<BTreeSet<_>>().len(), 10);
    assert_eq!(page(&client, "include_content=false").await["notes"].as_array().unwrap().len(), 10, "without texts all fit");
}

#[tokio::test]
async fn parameters_that_cannot_be_are_refused_by_name() {
    let client = shared().tenant().await;
    let limit = "must be a whole number from 1 to 500";
    let offset = "must be a whole number from 0 to 100000";
    let cursor = "is not a cursor given out by this API";
    let time = "is not an ISO 8601 date and time with a zone, such as 2026-01-31T09:30:00Z";
    let long = format!("cursor={}", "A".repeat(5000));
    let cases = [
        ("limit=0", "limit", limit),
        ("limit=501", "limit", limit),
        ("limit=-1", "limit", limit),
        ("limit=ten", "limit", limit),
        ("limit=1e2", "limit", limit),
        ("limit=", "limit", limit),
        ("limit=99999999999999999999", "limit", limit),
        ("limit=1.5", "limit", limit),
        ("offset=-1", "offset", offset),
        ("offset=100001", "offset", offset),
        ("offset=x", "offset", offset),
        ("cursor=x", "cursor", cursor),
        ("cursor=", "cursor", cursor),
        ("cursor=AAAAAAAAAAAAAAAAAAAAAAA", "cursor", cursor),
        (&long, "cursor", cursor),
        ("cursor=%00", "cursor", cursor),
        ("modified_since=yesterday", "modified_since", time),
        ("modified_since=2026-01-31", "modified_since", time),
        ("modified_since=2026-13-01T00:00:00Z", "modified_since", time),
        ("folder_id=x", "folder_id", "is not a valid folder id (a UUID is expected)"),
        ("folder_id=%27%20or%201%3D1", "folder_id", "is not a valid folder id (a UUID is expected)"),
        ("include_content=yes", "include_content", "must be true or false"),
        ("limit=1&limit=2", "query", "names \"limit\" twice"),
        ("limits=1", "limits", "is unknown; did you mean \"limit\"?"),
        ("modified_sicne=2026-01-31T09:30:00Z", "modified_sicne", "is unknown; did you mean \"modified_since\"?"),
        (
            "workspace_id=x",
            "workspace_id",
            "is unknown; known are modified_since, include_content, offset, fields, folder_id, note_type, path, path_prefix, synced_from_ide, \
             created_since, created_before, updated_since, updated_before, file_modified_since, file_modified_before, author_email, tags, cursor, \
             limit",
        ),
    ];
    for (query, field, reason) in cases {
        let answer = client.get(&format!("/v1/ide-sync/list?{query}")).await;
        let message = format!("{field} {reason}");
        let case = query.chars().take(80).collect::<String>();
        // What was read and lies outside its bounds is another thing than what cannot be read.
        let is_number =
            query.split_once('=').is_some_and(|(name, value)| ["limit", "offset"].contains(&name) && value.parse::<i128>().is_ok());
        assert_refused(&answer, (if is_number { 422 } else { 400 }, "VALIDATION_ERROR", Some(field), &message), &case);
    }
    let several = client.get("/v1/ide-sync/list?limit=0&offset=-1&cursor=x").await;
    assert_eq!((several.status, several.json()["errors"].as_array().unwrap().len()), (400, 3), "{}", several.body);
}

#[tokio::test]
async fn a_cursor_and_an_offset_together_are_refused() {
    let client = shared().tenant().await;
    notes(&client, 2).await;
    let cursor = page(&client, "limit=1").await["next_cursor"].as_str().unwrap().to_owned();
    let answer = client.get(&format!("/v1/ide-sync/list?cursor={cursor}&offset=1")).await;
    let expected = (400, "VALIDATION_ERROR", Some("offset"), "offset cannot be combined with cursor");
    assert_refused(&answer, expected, "both");
}

#[tokio::test]
async fn a_cursor_of_another_workspace_shows_nothing_of_it() {
    let (one, other) = (shared().tenant().await, shared().tenant().await);
    notes(&one, 2).await;
    other.note("theirs.md", "theirs").await;
    let foreign = page(&one, "limit=1").await["next_cursor"].as_str().unwrap().to_owned();
    let page = page(&other, &format!("cursor={foreign}")).await;
    assert_eq!((paths(&page), &page["total"]), (vec!["theirs.md".to_owned()], &json!(1)), "only a place in the order of one's own notes");
}

#[tokio::test]
async fn a_list_that_the_client_has_is_not_sent_again_until_something_changes() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let get =
        |query: &str, tag: &str| send(client.request(Method::GET, &format!("/v1/ide-sync/list?{query}")).header("If-None-Match", tag));
    let tag = client.get("/v1/ide-sync/list").await.header("etag").to_owned();
    let same = client.request(Method::GET, "/v1/ide-sync/list").header("If-None-Match", &tag);
    assert_eq!(send(same).await.status, 304);
    assert_eq!(get("limit=1", &tag).await.status, 200, "another question");
    let of_one = get("limit=1", "").await.header("etag").to_owned();
    assert_eq!(get("limit=1", &of_one).await.status, 304);
    client.edited(&note, "two").await;
    assert_eq!(get("limit=1", &of_one).await.status, 200);
}

#[tokio::test]
async fn both_lists_take_the_same_conditions_and_fields() {
    let client = shared().tenant().await;
    let facts = |email: &str, mtime: &str| json!({ "author_email": email, "original_mtime": mtime });
    let body = with(note_in("docs/a.md", "a"), "file_metadata", facts("Ann@example.com", "2026-01-01T00:00:00+02:00"));
    let ann = client.create(&with(body, "source_metadata", json!({ "tags": ["x", "y"] }))).await.data(201)["note"].clone();
    let body = with(note_in("docs/a.md.txt", "b"), "file_metadata", facts("bob@example.com", "2026-03-01T00:00:00Z"));
    let bob = client.create(&with(body, "source_metadata", json!({ "tags": ["x"] }))).await.data(201)["note"].clone();
    let own = client.post("/v1/notes", &json!({ "title": "own", "content": "c" })).await.data(201)["note"].clone();
    let since = own["updated_at"].as_str().unwrap().to_owned();
    for list in ["/v1/notes", "/v1/ide-sync/list"] {
        let check = async |query: &str, expected: &[&Value]| {
            let page = client.get(&format!("{list}?{query}")).await.data(200);
            let ids: Vec<&Value> = page["notes"].as_array().unwrap().iter().map(|note| &note["id"]).collect();
            assert_eq!(ids, expected.iter().map(|note| &note["id"]).collect::<Vec<_>>(), "{list}?{query}");
            assert_eq!(page["total"], expected.len(), "{list}?{query}");
        };
        check("path=docs/a.md", &[&ann]).await;
        check("path_prefix=docs/a.md", &[&ann, &bob]).await;
        check("path=docs", &[]).await;
        check("tags=x", &[&ann, &bob]).await;
        check("tags=x,y", &[&ann]).await;
        check("author_email=ann@EXAMPLE.com", &[&ann]).await;
        check("file_modified_since=2026-02-01T00:00:00Z", &[&bob]).await;
        check("file_modified_before=2025-12-31T22:00:01Z", &[&ann]).await;
        check("file_modified_before=2025-12-31T22:00:00Z", &[]).await;
        check("synced_from_ide=false", &[&own]).await;
        check(&format!("updated_since={since}"), &[&own]).await;
        check(&format!("created_before={since}"), &[&ann, &bob]).await;
        let page = client.get(&format!("{list}?fields=id,title&limit=1")).await.data(200);
        assert_eq!(page["notes"], json!([{ "id": ann["id"], "title": ann["title"] }]));
    }
    assert_eq!(client.get("/v1/notes?offset=1").await.error(400)["field"], "offset");
    assert_eq!(
        page(&client, &format!("modified_since={since}")).await["notes"],
        page(&client, &format!("updated_since={since}")).await["notes"]
    );
}
