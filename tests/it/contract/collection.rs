//! Tombstones are collected when nobody needs them any more, and whoever needed one after all is told to read everything again.

use noted_tests::client::{Client, id_of, note_in, note_update};
use noted_tests::world::shared;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, changes_of, cursor_of};

/// A statement of the owner's inside the workspace, with a note's id and a number of days.
async fn own(client: &Client, sql: &'static str, id: &str, days: i32) {
    let done = sqlx::query(sql).bind(id).bind(days).execute(&mut shared().inside(client).await).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{sql}");
}

/// A note that was deleted so many days ago.
async fn tombstone(client: &Client, path: &str, days: i32) -> Value {
    let note = client.note(path, "one").await;
    client.delete(id_of(&note)).await.data(200);
    let age = "update noted.notes set deleted_at = now() - make_interval(days => $2), updated_at = now() - make_interval(days => $2)
               where id = $1::text::uuid";
    own(client, age, id_of(&note), days).await;
    note
}

/// Pretends that the workspace was made so many days ago.
async fn make_older(client: &Client, days: i32) {
    let age = "update noted.workspaces set created_at = now() - make_interval(days => $2) where id = $1::text::uuid";
    own(client, age, &client.key.workspace_id.to_string(), days).await;
}

async fn collect(client: &Client, limit: i32) -> i64 {
    let collected = sqlx::query_scalar("select sync.collect_tombstones($1, $2)").bind(client.key.workspace_id).bind(limit);
    collected.fetch_one(&mut noted::database::connect(&shared().database.owner_url).await.unwrap()).await.unwrap()
}

async fn count(client: &Client, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut shared().inside(client).await).await.unwrap()
}

async fn horizon(client: &Client) -> i64 {
    count(client, "select tombstone_horizon from noted.workspaces").await
}

/// The end of the feed, as someone knows it who has read everything.
async fn end(client: &Client) -> String {
    client.all_changes("", "limit=500").await.last().map(cursor_of).unwrap()
}

/// The database's time so many days ago, as a query has to spell it.
async fn since(days: i32) -> String {
    let ago = sqlx::query_scalar::<_, String>("select sync.instant(now() - make_interval(days => $1))").bind(days);
    format!("since={}", ago.fetch_one(&mut shared().superuser().await).await.unwrap())
}

async fn assert_resync(client: &Client, query: &str, reason: &str) {
    let answer = client.changes(query).await;
    let message = "The changes cannot be followed from here; a full resync is needed";
    let details = assert_refused(&answer, (410, "FULL_RESYNC_REQUIRED", None, message), query);
    assert_eq!(details["reason"], reason, "{query}");
    assert!(details["action"].as_str().unwrap().contains("without a cursor"), "{details}");
}

#[tokio::test]
async fn a_tombstone_is_kept_for_thirty_days_and_then_collected_with_its_revisions() {
    let client = shared().tenant().await;
    let gone = tombstone(&client, "31.md", 31).await;
    let kept = tombstone(&client, "29.md", 29).await;
    let live = client.note("live.md", "one").await;
    own(&client, "update noted.notes set updated_at = now() - make_interval(days => $2) where id = $1::text::uuid", id_of(&live), 90).await;
    assert_eq!(count(&client, "select count(*) from noted.note_revisions").await, 2);

    assert_eq!((collect(&client, 100).await, collect(&client, 100).await), (1, 0));
    let left: Vec<Uuid> =
        sqlx::query_scalar("select id from noted.notes order by seq").fetch_all(&mut shared().inside(&client).await).await.unwrap();
    assert_eq!(left.iter().map(Uuid::to_string).collect::<Vec<_>>(), [id_of(&kept), id_of(&live)]);
    assert_eq!(count(&client, "select count(*) from noted.note_revisions").await, 1, "the text went too");
    assert_eq!(horizon(&client).await, 2, "the place of the collected tombstone");
    client.update(id_of(&gone), &note_update(&gone, "two")).await.error(404);
    client.delete(id_of(&gone)).await.error(404);
}

#[tokio::test]
async fn another_workspaces_tombstones_stay() {
    let (one, other) = (shared().tenant().await, shared().tenant().await);
    tombstone(&one, "a.md", 40).await;
    tombstone(&other, "a.md", 40).await;
    assert_eq!(collect(&one, 100).await, 1);
    assert_eq!((count(&other, "select count(*) from noted.notes").await, horizon(&other).await), (1, 0));
    assert_eq!((count(&one, "select count(*) from noted.notes").await, horizon(&one).await), (0, 2));
}

#[tokio::test]
async fn collecting_goes_in_steps_and_the_oldest_go_first() {
    let client = shared().tenant().await;
    for days in [50, 40, 35] {
        tombstone(&client, &format!("{days}.md"), days).await;
    }
    let mut steps = Vec::new();
    for _ in 0..3 {
        steps.push((collect(&client, 2).await, horizon(&client).await));
    }
    assert_eq!(steps, [(2, 4), (1, 6), (0, 6)]);
}

#[tokio::test]
async fn whoever_missed_a_collected_deletion_has_to_begin_again() {
    let client = shared().tenant().await;
    let before = end(&client).await;
    let note = client.note("a.md", "one").await;
    let created = end(&client).await;
    tombstone(&client, "b.md", 31).await;
    let after = end(&client).await;
    assert_eq!(collect(&client, 100).await, 1);

    for stale in [&before, &created] {
        assert_resync(&client, &format!("cursor={stale}"), "tombstones_collected").await;
    }
    assert_eq!(client.changes(&format!("cursor={after}")).await.data(200)["changes"], json!([]), "who saw the deletion misses nothing");
    let resynced = client.changes("").await.data(200);
    assert_eq!(resynced["changes"][0]["id"], note["id"]);
    assert_eq!(client.changes(&format!("cursor={}", cursor_of(&resynced))).await.data(200)["changes"], json!([]));
}

#[tokio::test]
async fn whoever_begins_at_the_beginning_reads_to_the_end_whatever_was_collected() {
    let client = shared().tenant().await;
    for number in 0..5 {
        client.note(&format!("{number}.md"), "text").await;
    }
    tombstone(&client, "first.md", 33).await;
    tombstone(&client, "second.md", 31).await;
    assert_eq!(collect(&client, 1).await, 1);
    // The horizon is behind the live notes, so every place on the way lies before it.
    let first = client.changes("limit=1").await.data(200);
    assert_eq!(collect(&client, 1).await, 1, "and now further");
    let rest = client.all_changes(&format!("cursor={}", cursor_of(&first)), "limit=1").await;
    assert_eq!(changes_of(&rest).len(), 4);
    let end = cursor_of(rest.last().unwrap());
    assert_eq!(client.changes(&format!("cursor={end}")).await.data(200)["changes"], json!([]));
}

#[tokio::test]
async fn a_time_within_thirty_days_is_always_served() {
    let client = shared().tenant().await;
    make_older(&client, 100).await;
    let note = client.note("a.md", "one").await;
    tombstone(&client, "b.md", 31).await;
    assert_eq!(collect(&client, 100).await, 1);
    client.edited(&note, "two").await;

    assert_resync(&client, &since(40).await, "tombstones_collected").await;
    let page = client.changes(&format!("{}&limit=1", since(29).await)).await.data(200);
    assert_eq!(page["changes"].as_array().unwrap().len(), 1);
    assert_eq!(client.changes(&format!("cursor={}", cursor_of(&page))).await.data(200)["changes"], json!([]));
    assert_eq!(client.changes(&since(200).await).await.data(200)["changes"].as_array().unwrap().len(), 1, "before the workspace was made");
}

#[tokio::test]
async fn after_a_restore_every_place_is_a_thing_of_the_past() {
    let client = shared().tenant().await;
    client.note("a.md", "one").await;
    let before = end(&client).await;
    let renew = "update noted.workspaces set epoch = noted.new_id() where id = $1::text::uuid and $2 = 0";
    own(&client, renew, &client.key.workspace_id.to_string(), 0).await;
    assert_resync(&client, &format!("cursor={before}"), "database_restored").await;
    let resynced = client.changes("").await.data(200);
    client.note("b.md", "two").await;
    let next = client.changes(&format!("cursor={}", cursor_of(&resynced))).await.data(200);
    assert_eq!(next["changes"][0]["ide_file_path"], "b.md");
}

#[tokio::test]
async fn a_path_of_a_collected_note_can_be_used() {
    let client = shared().tenant().await;
    tombstone(&client, "a.md", 31).await;
    collect(&client, 100).await;
    let note = client.note("a.md", "two").await;
    assert_eq!((&note["seq"], &note["version"]), (&json!(3), &json!(1)), "places go on behind the horizon");
}

#[tokio::test]
async fn answers_are_remembered_for_a_day_and_then_pruned() {
    let (client, other) = (shared().tenant().await, shared().tenant().await);
    for (key, hours) in [("old", 25), ("young", 23)] {
        client.create_as(key, &note_in(&format!("{key}.md"), "text")).await.data(201);
        let age = "update noted.idempotent_requests set created_at = now() - make_interval(hours => $2) where idempotency_key = $1";
        own(&client, age, key, hours).await;
    }
    other.create_as("old", &note_in("old.md", "text")).await.data(201);
    own(&other, "update noted.idempotent_requests set created_at = now() - make_interval(days => $2) where idempotency_key = $1", "old", 2)
        .await;

    let prune = sqlx::query_scalar::<_, i64>("select sync.prune_requests($1, 100)").bind(client.key.workspace_id);
    let pruned = prune.fetch_one(&mut noted::database::connect(&shared().database.owner_url).await.unwrap()).await.unwrap();
    assert_eq!(pruned, 1);
    let kept = "select count(*) from noted.idempotent_requests";
    assert_eq!((count(&client, kept).await, count(&other, kept).await), (1, 1), "the young one, and the other workspace's");
    assert_eq!(client.create_as("young", &note_in("young.md", "text")).await.header("idempotent-replayed"), "true");
}
