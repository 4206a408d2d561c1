//! A provider of embeddings that misbehaves: notes are saved and found by their words all the same, and the vectors come when it is well again.

use std::time::{Duration, Instant};

use noted_tests::client::Client;
use noted_tests::provider::Mode;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};

use super::{PROMISED, alone, assert_somebody_waits_for, call, let_time_pass};

/// Every way in which a provider was seen to fail.
const FAULTS: [Mode; 13] = [
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
    Mode::WrongIndex,
    Mode::Hangs,
    Mode::Drips,
];

/// How often a text is sent at most: once, and three times more.
const TIMES_SENT_MAX: usize = 4;

async fn notes(client: &Client) -> Value {
    client.get("/v1/embeddings").await.data(200)["embeddings"]["notes"].clone()
}

#[tokio::test]
async fn whatever_the_provider_does_notes_are_saved_found_and_embedded_once_it_is_well() {
    let (_turn, world) = alone().await;
    let client = world.asker().await;
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
    let sent = world.provider.sent();
    assert!(sent.iter().all(|(text, times)| !text.contains("digs") || *times <= 2), "once with its fault, and once without: {sent:?}");
}

#[tokio::test]
async fn what_fails_every_second_time_is_done_in_the_end_and_no_text_is_embedded_twice() {
    let (_turn, world) = alone().await;
    let client = world.asker().await;
    for number in 0..24 {
        client.post("/v1/notes", &json!({ "title": "n", "content": format!("bandicoot {number}") })).await.data(201);
    }
    world.provider.set_mode(Mode::EverySecond);
    for _ in 1..TIMES_SENT_MAX {
        world.run_jobs().await;
        let_time_pass(&world).await;
    }
    // Whoever is unlucky every time is given up after the last.
    world.provider.set_mode(Mode::Well);
    world.run_jobs().await;
    let state = notes(&client).await;
    assert_eq!((&state["completed"], &state["pending"]), (&json!(24), &json!(0)), "{state}");
    let (sent, embedded) = (world.provider.sent(), world.provider.embedded());
    assert_eq!((sent.len(), embedded.values().all(|&times| times == 1)), (24, true), "{embedded:?}");
    assert!(sent.values().all(|&times| times <= TIMES_SENT_MAX), "{sent:?}");
}

#[tokio::test]
async fn vectors_that_come_in_another_order_go_to_their_own_texts() {
    let (_turn, world) = alone().await;
    let client = world.asker().await;
    world.provider.set_mode(Mode::OutOfOrder);
    let animals = ["echidna", "platypus", "wallaby", "potoroo", "dunnart", "bettong"];
    for animal in animals {
        client.post("/v1/notes", &json!({ "title": animal, "content": format!("{animal} {animal}") })).await.data(201);
    }
    let requests = world.provider.requests();
    world.run_jobs().await;
    assert_eq!(world.provider.requests(), requests + 1, "all in one request, or there is no order");
    for animal in animals {
        let answer = client.post("/v1/rag-query", &json!({ "query": animal, "mode": "vector", "similarity_threshold": 0 })).await.data(200);
        assert_eq!(answer["results"][0]["title"], animal, "{answer}");
    }
}

#[tokio::test]
async fn a_question_that_is_answered_ends_a_row_of_failures() {
    let (_turn, world) = alone().await;
    let client = world.asker().await;
    client.post("/v1/notes", &json!({ "title": "n", "content": "a cuscus" })).await.data(201);
    world.run_jobs().await;
    let degraded = async |number: usize| {
        let query = json!({ "query": format!("cuscus {number}"), "mode": "vector" });
        client.post("/v1/rag-query", &query).await.data(200)["degraded"].clone()
    };
    // More failures than would open the breaker, and never two in a row.
    for number in 0..8 {
        world.provider.set_mode(Mode::ServerError);
        assert_eq!(degraded(2 * number).await, true, "{number}");
        world.provider.set_mode(Mode::Well);
        assert_eq!(degraded(2 * number + 1).await, false, "{number}");
    }
}

#[tokio::test]
async fn a_note_that_always_fails_is_given_up_with_its_reason_and_can_be_tried_again() {
    let (_turn, world) = alone().await;
    let client = world.asker().await;
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
    let client = world.asker().await;
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
async fn notes_that_are_put_off_wait_for_a_writer_who_so_never_waits_for_them() {
    let (_turn, world) = alone().await;
    let client = world.asker().await;
    client.post("/v1/notes", &json!({ "title": "n", "content": "a bilby" })).await.data(201);
    let mut worker = noted::database::connect(&world.database.worker_url).await.unwrap();
    let (claimed, _) = call(&mut worker, "select * from api.jobs_claim('model', 16, 256)").await;
    let put_off = format!("select * from api.jobs_failed('model', '{}', 'no answer', null)", claimed.unwrap());

    let mut writer = world.superuser().await;
    let mut change = writer.begin().await.unwrap();
    let session = sqlx::query_scalar("select pg_backend_pid() from search.workspaces for update").fetch_one(&mut *change).await.unwrap();
    let ((), _) = tokio::join!(
        async {
            assert_somebody_waits_for(&world, session).await;
            sqlx::query("select from search.notes for update nowait").execute(&mut *change).await.expect("the note is free for the writer");
            change.commit().await.unwrap();
        },
        call(&mut worker, &put_off),
    );
    let failure = &client.get("/v1/embeddings").await.data(200)["embeddings"]["failures"][0];
    assert_eq!((&failure["status"], &failure["attempts"]), (&json!("pending"), &json!(1)), "{failure}");
}

#[tokio::test]
async fn a_worker_that_dies_loses_nothing_and_embeds_nothing_twice() {
    let (_turn, mut world) = alone().await;
    let client = world.asker().await;
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

#[tokio::test]
async fn all_notes_that_nobody_has_cut_are_cut_in_one_round() {
    const NOTES: u64 = 120;
    let (_turn, world) = alone().await;
    let client = world.asker().await;
    for number in 0..NOTES {
        client.post("/v1/notes", &json!({ "title": "n", "content": format!("kowari {number}") })).await.data(201);
    }
    let forgotten = "update search.notes set content_sha256 = null; delete from search.chunks";
    sqlx::raw_sql(AssertSqlSafe(forgotten.to_owned())).execute(&mut world.superuser().await).await.unwrap();
    let round = world.run_round().await;
    assert_eq!((round.analysed, round.is_idle), (NOTES, true), "{round:?}");
    let answer = client.get("/v1/notes/search?q=kowari&limit=50").await.data(200);
    assert_eq!(answer["results"].as_array().map(Vec::len), Some(50));
}
