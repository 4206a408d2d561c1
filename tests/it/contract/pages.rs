//! Pages count the bytes that they give out, whatever those are: texts, metadata or vectors.

use std::collections::BTreeSet;

use futures::future::join_all;
use noted_shared::limits::PAGE_BYTES_MAX;
use noted_tests::client::{Client, id_of, item, note_update};
use noted_tests::world::shared;
use serde_json::Value;

use super::with;

/// Facts of 80 kB, as many as a note may have: twenty tags.
const FACTS: &str = "update noted.notes set source_metadata = jsonb_build_object('tags', array_fill(repeat('t', 4000), array[20]))";
/// A vector as large as any that is stored: 65 writers with long names, 9 kB.
const VECTOR: &str = "(select jsonb_object_agg('origin-' || number || repeat('x', 110), 1) from generate_series(1, 65) as number)";

/// What an envelope has besides the page, and the largest item of these tests.
const REST_BYTES_MAX: usize = 160 * 1024;

async fn changed(client: &Client, statement: &str) {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    sqlx::raw_sql(statement).execute(&mut shared().inside(client).await).await.unwrap();
}

/// A workspace with so many notes.
async fn with_notes(count: usize) -> Client {
    let client = shared().tenant().await;
    for first in (0..count).step_by(100) {
        let notes: Vec<Value> = (first..(first + 100).min(count)).map(|number| item(&format!("{number}.md"), "text")).collect();
        client.batch(&notes).await.data(200);
    }
    client
}

/// Follows a list to its end; answers how many pages it has, and how many different items. No page is larger than it may be.
async fn walked(client: &Client, path: &str, items: &str) -> (usize, usize) {
    let (mut pages, mut found, mut cursor) = (0, BTreeSet::new(), String::new());
    loop {
        let answer = client.get(&format!("{path}{cursor}")).await;
        let page = answer.data(200);
        let bytes = answer.body.len();
        assert!(bytes <= PAGE_BYTES_MAX as usize + REST_BYTES_MAX, "{path}: {bytes} bytes");
        let named = |item: &Value| item["id"].as_str().map_or_else(|| item["version_number"].to_string(), str::to_owned);
        found.extend(page[items].as_array().unwrap().iter().map(named));
        pages += 1;
        if page["has_more"] != true {
            return (pages, found.len());
        }
        cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap());
    }
}

#[tokio::test]
async fn five_hundred_notes_with_large_facts_make_many_pages_and_four_at_once_hurt_nobody() {
    let client = with_notes(500).await;
    changed(&client, FACTS).await;
    let lists = [
        ("/v1/ide-sync/list?limit=500", "notes"),
        ("/v1/ide-sync/list?limit=500&include_content=false", "notes"),
        ("/v1/ide-sync/changes?limit=500&include_content=false", "changes"),
        ("/v1/notes?limit=500", "notes"),
        ("/v1/notes?limit=500&fields=id,source_metadata", "notes"),
    ];
    for (path, items) in lists {
        let (pages, found) = walked(&client, path, items).await;
        assert!((5..=7).contains(&pages) && found == 500, "{path}: {found} notes on {pages} pages");
    }
    let at_once = join_all((0..4).map(|_| client.get("/v1/ide-sync/changes?limit=500"))).await;
    assert_eq!(at_once.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200; 4]);
    assert_eq!(walked(&client, "/v1/notes?limit=500&fields=id", "notes").await, (1, 500), "what is not given weighs nothing");
}

#[tokio::test]
async fn notes_with_as_many_writers_as_are_stored_fit_one_page_of_every_list() {
    let client = with_notes(500).await;
    changed(&client, &format!("update noted.notes set version_vector = {VECTOR}")).await;
    for (path, items) in [
        ("/v1/ide-sync/list?limit=500", "notes"),
        ("/v1/ide-sync/changes?limit=500&include_content=false", "changes"),
        ("/v1/notes?limit=500", "notes"),
    ] {
        assert_eq!(walked(&client, path, items).await, (1, 500), "{path}: 4.5 MB");
    }
    changed(&client, "update noted.notes set deleted_at = now(), deleted_by = 'somebody'").await;
    assert_eq!(walked(&client, "/v1/trash?limit=500", "notes").await, (1, 500), "4.5 MB");
}

#[tokio::test]
async fn revisions_and_conflicts_with_large_vectors_make_many_pages() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "base").await;
    client.update(id_of(&note), &with(note_update(&note, "theirs"), "sync_origin_id", "b")).await.data(200);
    client.update(id_of(&note), &with(note_update(&note, "mine"), "sync_origin_id", "a")).await.error(409);
    let revisions = "insert into noted.note_revisions (
        workspace_id, note_id, version_number, title, content, content_sha256, version_vector, created_by, created_at)
      select workspace_id, note_id, 10 + number, title, content, content_sha256, ";
    let revisions = format!("{revisions}{VECTOR}, created_by, created_at from noted.note_revisions, generate_series(1, 499) as number");
    changed(&client, &revisions).await;
    let conflicts = "insert into noted.sync_conflict_events (
        workspace_id, id, conflict_id, note_id, user_id, event, origin, kind, ide_vector, ide_content_sha256, noted_version, noted_vector,
        noted_content_sha256)
      select workspace_id, made.id, made.id, note_id, user_id, event, origin, kind, ";
    let conflicts = format!(
        "{conflicts}{VECTOR}, ide_content_sha256, noted_version, {VECTOR}, noted_content_sha256
          from noted.sync_conflict_events, (select noted.new_id() as id from generate_series(1, 499)) as made"
    );
    changed(&client, &conflicts).await;
    assert_eq!(walked(&client, &format!("/v1/notes/{}/revisions?limit=500", id_of(&note)), "revisions").await, (1, 500), "4.5 MB");
    assert_eq!(walked(&client, "/v1/conflicts?limit=500", "conflicts").await, (2, 500), "9 MB");
}
