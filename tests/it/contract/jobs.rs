//! `POST /internal/jobs/collect`: what nobody needs any more goes by itself, a workspace at a time, and nothing else does.

use std::time::Duration;

use noted::keys::{KeyKind, KeyRequest, Tier};
use noted_tests::client::{Client, id_of, note_in, note_update, send};
use noted_tests::world::{eventually, shared};
use reqwest::Method;
use serde_json::json;

use super::{assert_refused, cursor_of};

/// A statement of the owner's in the workspace; answers how many rows it changed.
async fn own(client: &Client, sql: &'static str) -> u64 {
    sqlx::query(sql).execute(&mut shared().inside(client).await).await.unwrap().rows_affected()
}

async fn count(client: &Client, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut shared().inside(client).await).await.unwrap()
}

/// Whether the collector will not come again today.
async fn is_cleared(client: &Client) -> bool {
    count(client, "select count(*) from noted.workspaces where collect_at > now() + interval '23 hours'").await == 1
}

/// A day goes by in the workspace, and the job is called until it has been there. Other tests call it too: whoever comes first does the work.
async fn a_day_later(client: &Client) {
    assert_eq!(own(client, "update noted.workspaces set collect_at = now()").await, 1);
    eventually("the collector's visit", Duration::from_secs(60), async || {
        shared().run_collection().await;
        is_cleared(client).await.then_some(())
    })
    .await;
}

/// A note that was deleted so long ago that nobody needs to be told.
async fn forgotten(client: &Client, path: &str) {
    let note = client.note(path, "text").await;
    client.delete(id_of(&note)).await.data(200);
    let aged = own(
        client,
        "update noted.notes set deleted_at = now() - interval '31 days', updated_at = now() - interval '31 days'
         where deleted_at > now() - interval '1 day'",
    );
    assert_eq!(aged.await, 1);
}

#[tokio::test]
async fn nobody_without_the_secret_has_anything_cleared_away() {
    let client = shared().tenant().await;
    for request in [client.request(Method::POST, "/internal/jobs/collect"), client.anonymous(Method::POST, "/internal/jobs/collect")] {
        assert_eq!(send(request).await.status, 401);
    }
    let worker = |method, path: &str| client.anonymous(method, path).bearer_auth(&shared().secrets.jobs_secret);
    assert_eq!(send(worker(Method::GET, "/internal/jobs/collect")).await.status, 405);
    assert_eq!(send(worker(Method::POST, "/internal/jobs/nothing")).await.status, 404);
    let done = send(worker(Method::POST, "/internal/jobs/collect")).await.data(200);
    for kind in ["tombstones", "conflicts", "requests", "attempts", "counters", "cleared"] {
        assert!(done[kind].is_u64(), "{kind}: {done}");
    }
}

#[tokio::test]
async fn whoever_missed_a_deletion_that_the_job_collected_has_to_begin_again() {
    let (client, other) = (shared().tenant().await, shared().tenant().await);
    client.note("before.md", "text").await;
    let before = cursor_of(&client.changes("").await.data(200));
    for client in [&client, &other] {
        forgotten(client, "gone.md").await;
    }
    let after = cursor_of(&client.changes("").await.data(200));
    let young = client.note("young.md", "text").await;
    client.delete(id_of(&young)).await.data(200);

    a_day_later(&client).await;
    let notes = "select count(*) from noted.notes";
    assert_eq!(count(&client, notes).await, 2, "the live note and the young tombstone stay");
    assert_eq!(count(&client, "select count(*) from noted.note_revisions").await, 1, "the old text went with its note");
    assert_eq!(count(&other, notes).await, 1, "nobody was due in the other workspace");
    let stale = client.changes(&format!("cursor={before}")).await;
    let message = "The changes cannot be followed from here; a full resync is needed";
    let details = assert_refused(&stale, (410, "FULL_RESYNC_REQUIRED", None, message), "a cursor behind the horizon");
    assert_eq!(details["reason"], "tombstones_collected");
    let seen = client.changes(&format!("cursor={after}")).await.data(200);
    assert_eq!(seen["changes"][0]["id"], young["id"], "who saw the deletion goes on");
    let resynced = client.changes("").await.data(200);
    assert_eq!(resynced["changes"].as_array().map(Vec::len), Some(2));
    assert_eq!(client.changes(&format!("cursor={}", cursor_of(&resynced))).await.data(200)["changes"], json!([]));
}

#[tokio::test]
async fn a_workspace_is_visited_once_a_day() {
    let client = shared().tenant().await;
    a_day_later(&client).await;
    forgotten(&client, "gone.md").await;
    shared().run_collection().await;
    assert_eq!(count(&client, "select count(*) from noted.notes").await, 1, "its turn is tomorrow");
    a_day_later(&client).await;
    assert_eq!(count(&client, "select count(*) from noted.notes").await, 0);
}

#[tokio::test]
async fn more_than_one_transaction_takes_is_cleared_in_several() {
    let client = shared().tenant().await;
    client.create_as("young", &note_in("young.md", "text")).await.data(201);
    let old =
        "insert into noted.idempotent_requests (workspace_id, idempotency_key, endpoint, user_id, request_hash, status_code, response_body,
            created_at)
        select request.workspace_id, 'old ' || number, request.endpoint, request.user_id, request.request_hash, request.status_code,
            request.response_body, now() - interval '25 hours'
          from noted.idempotent_requests as request, generate_series(1, 4500) as number";
    assert_eq!(own(&client, old).await, 4500);
    a_day_later(&client).await;
    assert_eq!(count(&client, "select count(*) from noted.idempotent_requests").await, 1);
    assert_eq!(client.create_as("young", &note_in("young.md", "text")).await.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn settled_conflicts_go_to_the_archive_after_thirty_days_and_are_still_read() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "base").await;
    client.edited(&note, "theirs").await;
    let mine = super::with(note_update(&note, "mine"), "sync_origin_id", "other-origin");
    let conflict = client.update(id_of(&note), &mine).await.error(409)["details"]["conflict_id"].clone();
    a_day_later(&client).await;
    let listed = async || client.get("/v1/conflicts?status=all").await.data(200)["conflicts"].as_array().unwrap().len();
    assert_eq!(listed().await, 1, "a young one stays in the list");
    assert_eq!(own(&client, "update noted.sync_conflict_events set at = at - interval '31 days'").await, 1);
    a_day_later(&client).await;
    assert_eq!(listed().await, 0);
    let read = client.get(&format!("/v1/conflicts/{}", conflict.as_str().unwrap())).await.data(200);
    assert_eq!(read["conflict"]["ide_version_content"], "mine");
}

#[tokio::test]
async fn attempts_of_agents_are_kept_for_two_years_and_authors_are_not_forgotten() {
    let client = shared().tenant_with(|request| KeyRequest { kind: KeyKind::User, tier: Tier::Free, ..request }).await;
    let text = |content: &str| json!({ "content": content, "metadata": { "agent_model": "scribe-1" } });
    let good = "Notes are kept in PostgreSQL, and so is every version that any of them ever had.\n";
    assert_eq!(client.post("/v1/agent/write-note", &text("Too short.")).await.status, 422);
    let note = client.post("/v1/agent/write-note", &text(good)).await.data(201)["note"].clone();
    let change =
        json!({ "content": format!("{good}More.\n"), "note_id": id_of(&note), "if_version": 1, "metadata": { "agent_model": "scribe-1" } });
    client.post("/v1/agent/write-note", &change).await.data(200);
    assert_eq!(own(&client, "update noted.agent_write_attempts set created_at = created_at - interval '23 months'").await, 3);
    assert_eq!(own(&client, "update noted.rate_counters set step = step - 20").await, 1);

    a_day_later(&client).await;
    let attempts = "select count(*) from noted.agent_write_attempts";
    assert_eq!(count(&client, attempts).await, 3);
    assert_eq!(count(&client, "select count(*) from noted.rate_counters").await, 0, "nobody asked for more than a minute");
    own(&client, "update noted.agent_write_attempts set created_at = created_at - interval '2 months'").await;
    a_day_later(&client).await;
    assert_eq!(count(&client, attempts).await, 1, "the text that the note has was written by it");
    client.delete(id_of(&note)).await.data(200);
    own(&client, "update noted.notes set deleted_at = now() - interval '31 days', updated_at = now() - interval '31 days'").await;
    a_day_later(&client).await;
    assert_eq!(count(&client, attempts).await, 0, "with the note its author goes");
}
