//! `kill -9` while notes are being created: what was acknowledged is there once, and what was not is there once after a retry.
//!
//! Killing a process does not test a power failure: what it had written stays in the system's cache.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use noted_tests::client::{Client, id_of, note_in};
use noted_tests::world::{World, eventually};
use reqwest::Method;
use serde_json::Value;

use super::{PROMISED, alone, assert_no_transaction_is_left};

const CREATES: usize = 200;
/// So many are acknowledged before the blow, so that it falls while others are under way.
const ACKNOWLEDGED_BEFORE: usize = 40;

/// One create. `None` when the answer is lost or asks to try again.
async fn create(client: &Client, number: usize) -> Option<String> {
    let request = client.request(Method::POST, "/v1/ide-sync/create").header("Idempotency-Key", format!("key-{number}"));
    let response = request.json(&note_in(&format!("{number}.md"), &format!("text {number}"))).send().await.ok()?;
    let status = response.status().as_u16();
    assert!(matches!(status, 201 | 500..), "create {number}: {status}");
    if status != 201 {
        return None;
    }
    let envelope: Value = response.json().await.ok()?;
    Some(id_of(&envelope["data"]["note"]).to_owned())
}

/// Creates all notes at once and strikes when some are done. Answers the ids of those that were acknowledged, by number.
async fn create_until(client: &Client, strike: impl FnOnce()) -> BTreeMap<usize, String> {
    let acknowledged = AtomicUsize::new(0);
    let creates = join_all((0..CREATES).map(async |number| {
        let id = create(client, number).await?;
        acknowledged.fetch_add(1, Ordering::Relaxed);
        Some((number, id))
    }));
    let blow = async {
        let enough = async || (acknowledged.load(Ordering::Relaxed) >= ACKNOWLEDGED_BEFORE).then_some(());
        eventually("some creates", Duration::from_secs(30), enough).await;
        strike();
    };
    let (creates, ()) = tokio::join!(creates, blow);
    let acknowledged: BTreeMap<_, _> = creates.into_iter().flatten().collect();
    assert!((ACKNOWLEDGED_BEFORE..CREATES).contains(&acknowledged.len()), "{} of {CREATES} were acknowledged", acknowledged.len());
    acknowledged
}

/// Sends what was not acknowledged again, then compares with what is stored.
async fn assert_each_is_there_once(world: &World, client: &Client, mut ids: BTreeMap<usize, String>) {
    for number in 0..CREATES {
        if let Entry::Vacant(missing) = ids.entry(number) {
            missing.insert(eventually("a retry", PROMISED, async || create(client, number).await).await);
        }
    }
    let stored = "select id::text, ide_file_path, content, seq from noted.notes where deleted_at is null order by seq";
    let stored: Vec<(String, String, String, i64)> = sqlx::query_as(stored).fetch_all(&mut world.inside(client).await).await.unwrap();
    let by_path: BTreeMap<String, (String, String)> = stored.iter().cloned().map(|(id, path, content, _)| (path, (id, content))).collect();
    let expected = ids.into_iter().map(|(number, id)| (format!("{number}.md"), (id, format!("text {number}")))).collect();
    assert_eq!((stored.len(), by_path), (CREATES, expected));
    assert!(stored.iter().map(|(.., seq)| *seq).eq(1..=i64::try_from(CREATES).unwrap()), "the order of changes has no gap");
    let status = client.get("/v1/ide-sync/status").await.data(200);
    assert_eq!(status["total_synced_notes"].as_u64(), u64::try_from(CREATES).ok());
    assert_no_transaction_is_left(world).await;
}

#[tokio::test]
async fn a_database_killed_under_load_loses_and_doubles_nothing() {
    let (_turn, mut world) = alone().await;
    let client = world.tenant().await;
    let acknowledged = create_until(&client, || world.kill_database()).await;
    world.cluster_mut().start_again().await.unwrap();
    assert_each_is_there_once(&world, &client, acknowledged).await;
}

#[tokio::test]
async fn a_host_killed_under_load_loses_and_doubles_nothing() {
    let (_turn, mut world) = alone().await;
    let client = world.tenant().await;
    let acknowledged = create_until(&client, || world.kill_host()).await;
    world.start_host().unwrap();
    let client = client.at(world.base_url());
    assert_each_is_there_once(&world, &client, acknowledged).await;
}
