//! Another model of embeddings: it takes over in the background, and meanwhile every note is found by whichever vector it has.

use noted_shared::domain::embedding::EMBEDDING_DIMENSION;
use noted_tests::client::Client;
use noted_tests::provider::Mode;
use noted_tests::world::World;
use serde_json::{Value, json};

use super::{alone, call, let_time_pass};

/// Neither is the stand-in, whose vectors count for less than others.
const OLD: &str = "old-model";
const NEW: &str = "new-model";
const ANIMALS: [&str; 20] = [
    "aardvark", "bongo", "caracal", "dikdik", "eland", "fossa", "gerenuk", "hyrax", "impala", "jerboa", "kudu", "lechwe", "mandrill",
    "nyala", "oryx", "pangolin", "quagga", "ratel", "serval", "topi",
];

/// A workspace with a note about each animal, all of which have vectors of the old model.
async fn zoo(world: &mut World) -> Client {
    world.provider.set_models(&[OLD]);
    let client = world.asker().await;
    let client = restart_with(world, &client, OLD);
    for animal in ANIMALS {
        client.post("/v1/notes", &json!({ "title": "Animal", "content": format!("The {animal} eats {animal} food.") })).await.data(201);
    }
    world.run_jobs().await;
    client
}

/// What an operator does: another value of a variable, and a new start.
fn restart_with(world: &mut World, client: &Client, model: &str) -> Client {
    world.stop_host();
    world.set_model(model);
    world.start_host().unwrap();
    client.at(world.base_url())
}

/// The models that answer when each animal is asked for, and how many of the answers were degraded.
async fn ask_for_all(client: &Client, mode: &str) -> (Vec<String>, usize) {
    let (mut models, mut degraded) = (Vec::new(), 0);
    for animal in ANIMALS {
        let body = json!({ "query": animal, "mode": mode, "similarity_threshold": 0, "k": 20 });
        let answer = client.post("/v1/rag-query", &body).await.data(200);
        // The best of each model comes first.
        let best = answer["results"].as_array().unwrap().iter().take(2).find(|result| result["content"].as_str().unwrap().contains(animal));
        let best = best.unwrap_or_else(|| panic!("{animal}: {answer}"));
        models.extend(best["model"].as_str().map(str::to_owned));
        degraded += usize::from(answer["degraded"] == true);
    }
    models.sort();
    (models, degraded)
}

async fn vectors(client: &Client) -> Value {
    client.get("/v1/embeddings").await.data(200)["embeddings"]["vectors"].clone()
}

#[tokio::test]
async fn a_new_model_takes_over_while_every_note_is_found_by_whichever_vector_it_has() {
    let (_turn, mut world) = alone().await;
    let client = zoo(&mut world).await;
    world.provider.set_models(&[OLD, NEW]);
    let client = restart_with(&mut world, &client, NEW);
    assert_eq!(ask_for_all(&client, "vector").await, (vec![OLD.to_owned(); ANIMALS.len()], 0), "before the first round");

    // Some notes get their vectors, others are put off.
    world.provider.set_mode(Mode::EverySecond);
    world.run_jobs().await;
    world.provider.set_mode(Mode::Well);
    let both = vectors(&client).await;
    let fresh = both[0]["vectors"].as_u64().unwrap();
    assert_eq!((&both[0]["model"], &both[1]), (&json!(NEW), &json!({ "model": OLD, "vectors": ANIMALS.len() })), "{both}");
    assert!((1..ANIMALS.len() as u64).contains(&fresh), "the new model has none or all: {both}");
    let (models, degraded) = ask_for_all(&client, "vector").await;
    assert_eq!((models.len(), degraded), (ANIMALS.len(), 0));
    assert!(models.contains(&NEW.to_owned()) && models.contains(&OLD.to_owned()), "{models:?}");

    // One without the old model answers by the new one's vectors, and by words.
    world.provider.set_models(&["none", NEW]);
    sqlx::query("delete from search.questions").execute(&mut world.superuser().await).await.unwrap();
    let (_, degraded) = ask_for_all(&client, "hybrid").await;
    assert_eq!(degraded, 0, "the new model's vectors were searched");

    let_time_pass(&world).await;
    world.run_jobs().await;
    // The old ones go with the first round that finds nothing left to do.
    world.run_round().await;
    assert_eq!(vectors(&client).await, json!([{ "model": NEW, "vectors": ANIMALS.len() }]));
    assert_eq!(ask_for_all(&client, "vector").await, (vec![NEW.to_owned(); ANIMALS.len()], 0), "in the end");
    let embedded = world.provider.embedded_with(NEW);
    let (notes, once) = embedded
        .iter()
        .filter(|(text, _)| text.starts_with('\n'))
        .fold((0, true), |(notes, once), (_, times)| (notes + 1, once && *times == 1));
    assert_eq!((notes, once), (ANIMALS.len(), true), "{embedded:?}");
}

#[tokio::test]
async fn a_provider_that_has_given_up_the_only_model_that_there_are_vectors_of_fails_no_question() {
    let (_turn, mut world) = alone().await;
    let client = zoo(&mut world).await;
    world.provider.set_models(&["none", NEW]);
    let client = restart_with(&mut world, &client, NEW);
    assert_eq!(ask_for_all(&client, "hybrid").await, (vec![], ANIMALS.len()), "by words");
    let answer = client.post("/v1/rag-query", &json!({ "query": "kudu", "mode": "vector" })).await.data(200);
    assert_eq!((&answer["results"], &answer["degraded_reason"]), (&json!([]), &json!("provider")));
    world.run_jobs().await;
    world.run_round().await;
    assert_eq!(ask_for_all(&client, "vector").await, (vec![NEW.to_owned(); ANIMALS.len()], 0));
}

#[tokio::test]
async fn what_an_old_worker_ends_after_the_new_one_has_begun_gets_the_new_models_vectors_too() {
    let (_turn, mut world) = alone().await;
    let client = world.asker().await;
    client.post("/v1/notes", &json!({ "title": "Animal", "content": "an okapi" })).await.data(201);
    // The functions of the worker, called as two workers of different deployments call them.
    let mut worker = noted::database::connect(&world.database.worker_url).await.unwrap();
    call(&mut worker, &format!("select * from api.jobs_begin('{OLD}')")).await;
    let (notes, texts) = call(&mut worker, &format!("select * from api.jobs_claim('{OLD}', 16, 256)")).await;
    call(&mut worker, &format!("select * from api.jobs_begin('{NEW}')")).await;
    let texts: Value = serde_json::from_str(&texts.unwrap()).unwrap();
    let (workspace, hash) = (texts[0]["workspace_id"].as_str().unwrap(), texts[0]["text_hash"].as_str().unwrap());
    let vector = vec!["0.5"; EMBEDDING_DIMENSION].join(",");
    let stored = format!("array['{workspace}'], array['{hash}'], array['[{vector}]'], 3");
    let notes = notes.unwrap();
    let (completed, _) = call(&mut worker, &format!("select * from api.jobs_embedded('{OLD}', '{notes}', {stored})")).await;
    assert_eq!(completed.as_deref(), Some("0"), "it lacks what its workspace wants now");

    world.provider.set_models(&[OLD, NEW]);
    let client = restart_with(&mut world, &client, NEW);
    let_time_pass(&world).await;
    world.run_jobs().await;
    world.run_round().await;
    assert_eq!(vectors(&client).await, json!([{ "model": NEW, "vectors": 1 }]));
}
