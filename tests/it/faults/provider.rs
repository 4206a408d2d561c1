//! A provider of embeddings that misbehaves: notes are saved and found by their words all the same, and the vectors come when it is well again.

use std::time::{Duration, Instant};

use noted::database;
use noted::keys::KeyRequest;
use noted_tests::client::Client;
use noted_tests::provider::Mode;
use noted_tests::world::World;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::{PROMISED, alone};

/// Every way in which a provider was seen to fail.
const FAULTS: [Mode; 11] = [
    Mode::Refuses,
    Mode::RateLimits { retry_after: Some(2) },
    Mode::RateLimits { retry_after: None },
    Mode::WrongDimension,
    Mode::NotFinite,
    Mode::Html,
    Mode::Truncated,
    Mode::ServerError,
    Mode::Unauthorized,
    Mode::TooFew,
    Mode::Hangs,
];

async fn asker(world: &World) -> Client {
    let scopes = ["notes:read", "notes:write", "notes:delete", "rag:query"].map(str::to_owned).to_vec();
    let client = world.tenant_with(|request| KeyRequest { scopes, ..request }).await;
    let mut owner = database::connect(&world.database.owner_url).await.unwrap();
    database::set_consent(&mut owner, client.key.workspace_id, true).await.unwrap();
    client
}

async fn notes(client: &Client) -> Value {
    client.get("/v1/embeddings").await.data(200)["embeddings"]["notes"].clone()
}

/// What the clock would do: whatever is put off is due.
async fn let_time_pass(world: &World) {
    let sql = "update search.notes set due_at = now(); update search.providers set open_until = '-infinity'";
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut world.superuser().await).await.unwrap();
}

#[tokio::test]
async fn whatever_the_provider_does_notes_are_saved_found_and_embedded_once_it_is_well() {
    let (_turn, world) = alone().await;
    let client = asker(&world).await;
    client.post("/v1/notes", &json!({ "title": "First", "content": "the first wombat" })).await.data(201);
    world.run_jobs().await;
    for (number, fault) in FAULTS.into_iter().enumerate() {
        world.provider.set_mode(fault);
        let text = format!("wombat number{number} digs");
        let begin = Instant::now();
        client.post("/v1/notes", &json!({ "title": format!("Wombat {number}"), "content": text })).await.data(201);
        assert!(begin.elapsed() < PROMISED, "{fault:?}");
        let round = world.run_round().await;
        assert_eq!((round.embedded, round.completed), (0, 0), "{fault:?}: {round:?}");
        assert_eq!(notes(&client).await["pending"], 1, "{fault:?}");

        let begin = Instant::now();
        let answer = client.post("/v1/rag-query", &json!({ "query": format!("number{number}") })).await.data(200);
        assert!(begin.elapsed() < Duration::from_secs(2), "{fault:?}: {:?}", begin.elapsed());
        assert_eq!(answer["results"][0]["title"], format!("Wombat {number}"), "{fault:?}");
        assert_eq!((&answer["degraded"], &answer["degraded_reason"]), (&json!(true), &json!("provider")), "{fault:?}");

        world.provider.set_mode(Mode::Well);
        let_time_pass(&world).await;
        world.run_jobs().await;
        let state = notes(&client).await;
        assert_eq!((&state["pending"], &state["completed"]), (&json!(0), &json!(number + 2)), "{fault:?}");
    }
    // Questions are embedded too; of the notes' texts each was given exactly one vector.
    let more_than_once: Vec<_> =
        world.provider.embedded().into_iter().filter(|(text, times)| text.contains("digs") && *times > 1).collect();
    assert_eq!(more_than_once, []);
}

#[tokio::test]
async fn a_note_that_always_fails_is_given_up_with_its_reason_and_can_be_tried_again() {
    let (_turn, world) = alone().await;
    let client = asker(&world).await;
    client.post("/v1/notes", &json!({ "title": "Hopeless", "content": "a thylacine" })).await.data(201);
    world.provider.set_mode(Mode::WrongDimension);
    for attempt in 1..=4 {
        world.run_round().await;
        let embeddings = client.get("/v1/embeddings").await.data(200)["embeddings"].clone();
        let failure = &embeddings["failures"][0];
        assert_eq!(failure["attempts"], attempt, "{embeddings}");
        assert_eq!(failure["status"], if attempt < 4 { "pending" } else { "failed_permanently" });
        assert_eq!(failure["next_attempt_at"].is_string(), attempt < 4);
        let_time_pass(&world).await;
    }
    let requests = world.provider.requests();
    world.run_round().await;
    assert_eq!(world.provider.requests(), requests, "nothing is tried after the last time");
    world.provider.set_mode(Mode::Well);
    assert_eq!(client.post("/v1/embeddings/backfill", &json!({})).await.data(200)["queued"], 1);
    world.run_jobs().await;
    assert_eq!(notes(&client).await["completed"], 1);
}

#[tokio::test]
async fn a_provider_that_fails_again_and_again_is_left_alone() {
    let (_turn, world) = alone().await;
    let client = asker(&world).await;
    for number in 0..8 {
        client.post("/v1/notes", &json!({ "title": "n", "content": format!("numbat {number}") })).await.data(201);
    }
    world.provider.set_mode(Mode::ServerError);
    for _ in 0..8 {
        world.run_round().await;
        let due = "update search.notes set due_at = now()";
        sqlx::raw_sql(AssertSqlSafe(due.to_owned())).execute(&mut world.superuser().await).await.unwrap();
    }
    let paused = client.get("/v1/embeddings").await.data(200)["embeddings"]["provider_paused_until"].clone();
    assert!(paused.is_string(), "{paused}");
    let requests = world.provider.requests();
    for _ in 0..3 {
        world.run_round().await;
    }
    assert_eq!(world.provider.requests(), requests);
}

#[tokio::test]
async fn a_worker_that_dies_loses_nothing_and_embeds_nothing_twice() {
    let (_turn, mut world) = alone().await;
    let client = asker(&world).await;
    for number in 0..40 {
        client.post("/v1/notes", &json!({ "title": "n", "content": format!("quoll number {number}") })).await.data(201);
    }
    world.provider.set_mode(Mode::Hangs);
    let address = world.base_url().clone();
    let round = client.at(&address).anonymous(reqwest::Method::POST, "/internal/jobs/embed").bearer_auth(&world.secrets.jobs_secret);
    let round = tokio::spawn(round.send());
    noted_tests::world::eventually("a claim", Duration::from_secs(10), async || {
        (notes(&client).await["in_progress"].as_i64() > Some(0)).then_some(())
    })
    .await;
    world.kill_host();
    let _ = round.await;
    world.provider.set_mode(Mode::Well);
    world.start_host().unwrap();
    let client = client.at(world.base_url());
    let_time_pass(&world).await;
    world.run_jobs().await;
    assert_eq!(notes(&client).await["completed"], 40);
    assert!(world.provider.embedded().values().all(|&times| times == 1));
}
