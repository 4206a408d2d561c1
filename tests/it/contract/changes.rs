//! `GET /v1/ide-sync/changes`: what changed after a place, in order, each note once.

use std::collections::BTreeSet;

use futures::future::join_all;
use noted_shared::domain::ChangeCursor;
use noted_shared::wire::ChangeList;
use noted_tests::client::{Client, id_of, note_in, note_update, send};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_refused, changes_of, cursor_of, with, without};

async fn page(client: &Client, query: &str) -> Value {
    client.changes(query).await.data(200)
}

/// The place behind everything that happened so far.
async fn end(client: &Client) -> String {
    client.all_changes("", "limit=500").await.last().map(cursor_of).unwrap()
}

/// So many notes with the same text, a few at a time: the tests beside this one want their turn too.
async fn notes(client: &Client, count: usize, text: &str) -> Vec<Value> {
    let mut made = Vec::new();
    while made.len() < count {
        let next = made.len()..count.min(made.len() + 4);
        made.extend(join_all(next.map(async |number| client.note(&format!("{number}.md"), text).await)).await);
    }
    made
}

/// A note that lives, as the feed shows it.
fn live(note: &Value) -> Value {
    with(with(note.clone(), "deleted_at", Value::Null), "deleted_by", Value::Null)
}

fn paths(changes: &[Value]) -> Vec<&str> {
    changes.iter().map(|change| change["ide_file_path"].as_str().unwrap()).collect()
}

/// Makes a note look as if it had last changed so many minutes ago.
async fn age(client: &Client, note: &Value, minutes: i32) {
    let update = "update noted.notes set updated_at = now() - make_interval(mins => $1) where id = $2::text::uuid";
    let aged = sqlx::query(update).bind(minutes).bind(id_of(note)).execute(&mut shared().inside(client).await).await.unwrap();
    assert_eq!(aged.rows_affected(), 1);
}

/// The database's time, so many minutes ago, as a query has to spell it.
async fn minutes_ago(minutes: i32) -> String {
    let ago = sqlx::query_scalar("select sync.instant(now() - make_interval(mins => $1))").bind(minutes);
    ago.fetch_one(&mut shared().superuser().await).await.unwrap()
}

#[tokio::test]
async fn an_empty_workspace_has_no_changes_and_a_place_to_go_on_from() {
    let client = shared().tenant().await;
    let empty = page(&client, "").await;
    assert_eq!((&empty["changes"], &empty["has_more"]), (&json!([]), &json!(false)));
    let cursor = cursor_of(&empty);
    assert_eq!(page(&client, &format!("cursor={cursor}")).await, empty, "nothing happened, so the place is the same");
    let note = client.note("a.md", "one").await;
    assert_eq!(page(&client, &format!("cursor={cursor}")).await["changes"], json!([live(&note)]));
    assert_eq!(empty.as_object().unwrap().len(), 3, "{empty}");
}

#[tokio::test]
async fn a_create_an_edit_and_a_delete_are_three_changes() {
    let client = shared().tenant().await;
    let earlier = end(&client).await;
    let created = client.note("a.md", "one").await;
    let edited = client.edited(&client.note("b.md", "one").await, "two").await;
    let deleted = client.note("c.md", "one").await;
    let deletion = client.delete(id_of(&deleted)).await.data(200);

    let answer = page(&client, &format!("cursor={earlier}")).await;
    let [first, second, tombstone] = answer["changes"].as_array().unwrap().as_slice() else { panic!("not three: {answer}") };
    assert_eq!((first, second), (&live(&created), &live(&edited)));
    assert_eq!((&tombstone["id"], &tombstone["ide_file_path"]), (&deleted["id"], &json!("c.md")));
    assert_eq!((&tombstone["deleted_at"], &tombstone["deleted_by"]), (&deletion["deleted_at"], &json!("test-origin")));
    assert_eq!((&tombstone["content"], &tombstone["content_sha256"]), (&Value::Null, &deleted["content_sha256"]));
    assert_eq!((&tombstone["version"], &tombstone["version_vector"]), (&json!(2), &json!({ "test-origin": 2 })));
    assert_eq!((&tombstone["seq"], &tombstone["last_sync_origin_id"]), (&json!(5), &json!("test-origin")));
    assert_eq!(answer["has_more"], false);
    let list: ChangeList = serde_json::from_value(answer).unwrap();
    assert!(list.changes[2].deleted_at.is_some() && list.changes[2].note.content.is_none());
}

#[tokio::test]
async fn a_change_is_given_once_and_a_later_one_of_the_same_note_again() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    client.note("b.md", "b").await;
    let first = page(&client, "").await;
    assert_eq!(paths(first["changes"].as_array().unwrap()), ["a.md", "b.md"]);
    let cursor = cursor_of(&first);
    assert_eq!(page(&client, &format!("cursor={cursor}")).await["changes"], json!([]));

    let edited = client.edited(&client.edited(&note, "two").await, "three").await;
    let next = page(&client, &format!("cursor={cursor}")).await;
    assert_eq!(next["changes"], json!([live(&edited)]), "two edits, one entry at the place of the later");
    assert_eq!(page(&client, &format!("cursor={}", cursor_of(&next))).await["changes"], json!([]));
    assert_eq!(page(&client, &format!("cursor={cursor}")).await, next, "an older cursor still works");
    assert_eq!(paths(page(&client, "").await["changes"].as_array().unwrap()), ["b.md", "a.md"], "the order is that of the latest changes");
}

#[tokio::test]
async fn a_refused_write_is_no_change_and_ones_own_change_is() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let own = client.update(id_of(&note), &with(note_update(&note, "two"), "sync_origin_id", "me")).await.data(200)["note"].clone();
    let cursor = end(&client).await;
    client.update(id_of(&note), &note_update(&note, "three")).await.error(409);
    client.create(&note_in("a.md", "four")).await.error(409);
    client.update(id_of(&own), &note_update(&own, "two")).await.data(200);
    assert_eq!(page(&client, &format!("cursor={cursor}")).await["changes"], json!([]), "a conflict, a taken path, and nothing new");
    let seen = page(&client, "").await["changes"][0].clone();
    assert_eq!((&seen["last_sync_origin_id"], &seen), (&json!("me"), &live(&own)));
}

#[tokio::test]
async fn a_rename_and_a_move_are_changes() {
    let client = shared().tenant().await;
    let (note, folder) = (client.note("a.md", "one").await, shared().folder(&client, "docs").await.to_string());
    let cursor = end(&client).await;
    let renamed = with(note_update(&note, "one"), "ide_file_path", "b.md");
    let renamed = client.update(id_of(&note), &renamed).await.data(200)["note"].clone();
    let moved = with(note_update(&renamed, "one"), "folder_id", folder.clone());
    client.update(id_of(&note), &moved).await.data(200);
    let seen = page(&client, &format!("cursor={cursor}")).await["changes"].clone();
    assert_eq!((&seen[0]["ide_file_path"], &seen[0]["folder_id"], seen.as_array().unwrap().len()), (&json!("b.md"), &json!(folder), 1));
}

#[tokio::test]
async fn pages_do_not_overlap_while_others_write() {
    let client = shared().tenant().await;
    let made = notes(&client, 30, "text").await;
    let write = async {
        for note in &made[..10] {
            client.edited(note, "edited").await;
            client.delete(id_of(note)).await.data(200);
        }
    };
    let (pages, ()) = tokio::join!(client.all_changes("", "limit=3"), write);
    let seqs: Vec<_> = changes_of(&pages).iter().map(|change| change["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|one, next| one < next), "{seqs:?}");
    assert!(pages.iter().all(|page| page["changes"].as_array().unwrap().len() <= 3));
    let seen: BTreeSet<_> = changes_of(&pages).iter().map(|change| id_of(change).to_owned()).collect();
    assert!(made[10..].iter().all(|note| seen.contains(id_of(note))), "what nobody touched is there");
}

#[tokio::test]
async fn without_texts_a_change_has_everything_else() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let seen = page(&client, "include_content=false").await["changes"][0].clone();
    assert_eq!(seen, without(live(&note), "content"));
    assert_eq!(page(&client, "include_content=true").await["changes"][0], live(&note));
}

#[tokio::test]
async fn a_page_has_a_hundred_changes_unless_asked_otherwise() {
    let client = shared().tenant().await;
    notes(&client, 101, "").await;
    for (query, length, has_more) in [("", 100, true), ("limit=101", 101, false), ("limit=1", 1, true), ("limit=500", 101, false)] {
        let page = page(&client, query).await;
        assert_eq!((page["changes"].as_array().unwrap().len(), &page["has_more"]), (length, &json!(has_more)), "{query}");
    }
}

#[tokio::test]
async fn a_page_of_large_notes_ends_early_and_tombstones_weigh_nothing() {
    let client = shared().tenant().await;
    let made = notes(&client, 12, &"x".repeat(1 << 20)).await;
    client.delete(id_of(&made[0])).await.data(200);
    client.delete(id_of(&made[1])).await.data(200);
    let pages = client.all_changes("", "limit=500").await;
    let lengths: Vec<_> = pages.iter().map(|page| page["changes"].as_array().unwrap().len()).collect();
    assert_eq!(lengths, [7, 5], "eight mebibytes on a page, and each text with its note is more than one");
    assert_eq!(client.all_changes("", "limit=500&include_content=false").await.len(), 1, "without texts all fit");
}

#[tokio::test]
async fn a_time_becomes_the_place_before_what_changed_since() {
    let client = shared().tenant().await;
    let since = async |minutes| {
        let page = page(&client, &format!("since={}", minutes_ago(minutes).await)).await;
        paths(page["changes"].as_array().unwrap()).join(" ")
    };
    assert_eq!(since(90).await, "", "nothing at all");
    for (path, minutes) in [("a.md", 120), ("b.md", 60), ("c.md", 30)] {
        age(&client, &client.note(path, "text").await, minutes).await;
    }
    assert_eq!(since(600).await, "a.md b.md c.md", "before everything");
    assert_eq!(since(90).await, "b.md c.md");
    assert_eq!(since(45).await, "c.md");
    assert_eq!(since(10).await, "");
    assert_eq!(since(-60).await, "", "in the future");
    assert_eq!(since(60).await, "b.md c.md", "what changed shortly before is given once more");
    assert_eq!(paths(page(&client, "since=0001-01-01T00:00:00Z").await["changes"].as_array().unwrap()).len(), 3);
    assert_eq!(page(&client, "since=9999-12-31T23:59:59Z").await["changes"], json!([]));
}

#[tokio::test]
async fn a_deletion_since_a_time_is_told_and_the_answer_can_be_followed() {
    let client = shared().tenant().await;
    let (old, doomed) = (client.note("old.md", "text").await, client.note("doomed.md", "text").await);
    age(&client, &old, 120).await;
    client.delete(id_of(&doomed)).await.data(200);
    age(&client, &doomed, 60).await;
    let first = page(&client, &format!("since={}", minutes_ago(90).await)).await;
    assert_eq!((paths(first["changes"].as_array().unwrap()), first["changes"][0]["deleted_at"].is_string()), (vec!["doomed.md"], true));
    let future = page(&client, &format!("since={}", minutes_ago(-60).await)).await;
    client.note("new.md", "text").await;
    for earlier in [first, future] {
        let next = page(&client, &format!("cursor={}", cursor_of(&earlier))).await;
        assert_eq!(paths(next["changes"].as_array().unwrap()), ["new.md"]);
    }
}

#[tokio::test]
async fn parameters_that_cannot_be_are_refused_by_name() {
    let client = shared().tenant().await;
    notes(&client, 2, "text").await;
    let (limit, unknown) = ("must be a whole number from 1 to 500", "is not a cursor given out by this API");
    let time = "is not an ISO 8601 date and time with a zone, such as 2026-01-31T09:30:00Z";
    let of_list = client.get("/v1/ide-sync/list?limit=1").await.data(200)["next_cursor"].as_str().unwrap().to_owned();
    let own = end(&client).await;
    let cases = [
        ("limit=0".to_owned(), "limit", limit),
        ("limit=501".to_owned(), "limit", limit),
        ("limit=ten".to_owned(), "limit", limit),
        ("cursor=".to_owned(), "cursor", unknown),
        ("cursor=x".to_owned(), "cursor", unknown),
        ("cursor=1".to_owned(), "cursor", unknown),
        ("cursor=%00".to_owned(), "cursor", unknown),
        (format!("cursor={}", "A".repeat(66)), "cursor", unknown),
        (format!("cursor={}", "A".repeat(5000)), "cursor", unknown),
        (format!("cursor={of_list}"), "cursor", unknown),
        (format!("cursor={own}A"), "cursor", unknown),
        (format!("cursor={}", &own[1..]), "cursor", unknown),
        ("since=yesterday".to_owned(), "since", time),
        ("since=2026-01-31".to_owned(), "since", time),
        ("since=1760010300".to_owned(), "since", time),
        ("include_content=yes".to_owned(), "include_content", "must be true or false"),
        (format!("cursor={own}&since=2026-01-31T09:30:00Z"), "since", "cannot be combined with cursor"),
        (format!("cursor={own}&cursor={own}"), "query", "names \"cursor\" twice"),
    ];
    for (query, field, reason) in cases {
        let answer = client.changes(&query).await;
        let case = query.chars().take(80).collect::<String>();
        // A number that was read and lies outside its bounds is another thing than what cannot be read.
        let status = if ["limit=0", "limit=501"].contains(&query.as_str()) { 422 } else { 400 };
        assert_refused(&answer, (status, "VALIDATION_ERROR", Some(field), &format!("{field} {reason}")), &case);
    }
}

#[tokio::test]
async fn a_cursor_of_another_workspace_is_refused() {
    let (one, other) = (shared().tenant().await, shared().tenant().await);
    one.note("a.md", "one").await;
    other.note("b.md", "two").await;
    let foreign = end(&one).await;
    let answer = other.changes(&format!("cursor={foreign}")).await;
    let expected = (400, "VALIDATION_ERROR", Some("cursor"), "cursor was given out for another workspace");
    assert_refused(&answer, expected, "a foreign cursor");
}

#[tokio::test]
async fn a_place_that_was_not_reached_yet_is_one_of_a_database_that_was_set_back() {
    let client = shared().tenant().await;
    client.note("a.md", "one").await;
    let mut cursor = ChangeCursor::parse(&end(&client).await).unwrap();
    (cursor.seq, cursor.floor) = (cursor.seq + 1, cursor.floor + 1);
    let error = client.changes(&format!("cursor={cursor}")).await.error(410);
    assert_eq!((&error["code"], &error["details"]["reason"]), (&json!("FULL_RESYNC_REQUIRED"), &json!("database_restored")));
}

#[tokio::test]
async fn the_changes_can_only_be_read() {
    let client = shared().tenant().await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = send(client.request(method, "/v1/ide-sync/changes")).await;
        assert_refused(&answer, (405, "METHOD_NOT_ALLOWED", None, "Method not allowed; this route has GET"), "another method");
        assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    }
}
