//! Texts that say the same in almost the same words, found by their vectors where the workspace has some.

use std::time::{Duration, Instant};

use noted::database;
use noted_tests::client::{Client, id_of, send};
use noted_tests::provider::Mode;
use noted_tests::world::{World, eventually, shared};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{KeyRequest, agent_and_person, any_key, attempts, text, with, write};

/// Keys of an agent and a person in a workspace whose texts may be embedded.
async fn agent_with_vectors() -> (Client, Client) {
    let (agent, person) = agent_and_person().await;
    let mut owner = database::connect(&shared().database.owner_url).await.unwrap();
    database::set_consent(&mut owner, agent.key.workspace_id, true).await.unwrap();
    (agent, person)
}

/// A section of a hundred words that no other test has, with one that can be chosen.
fn section(name: &str, word: &str) -> String {
    let words: Vec<String> = (0..100).map(|number| if number == 50 { word.to_owned() } else { format!("{name}{number}") }).collect();
    format!("## About {name}\n\n{}.\n\n", words.join(" "))
}

/// A note of so many sections, each of which is long enough to be a chunk.
fn sections(name: &str, count: usize, word: &str) -> String {
    (0..count).map(|number| section(&format!("{name}{}x", char::from(b'a' + u8::try_from(number).unwrap())), word)).collect()
}

fn unique() -> String {
    format!("w{}", &Uuid::new_v4().simple().to_string()[..6])
}

fn assert_similar(answer: &noted_tests::client::Answer, title: &str) {
    assert_eq!(answer.status, 422, "{}", answer.body);
    let message = format!("Similar note already exists: {title}");
    let expected = json!([{ "rule": "duplicate_detection", "message": message, "line": null, "recoverable": true }]);
    assert_eq!(answer.json()["data"]["validation_errors"], expected);
}

/// Has all notes of the workspace embedded. Other tests have the worker at work too, so it may be one of theirs that has them.
async fn embed(client: &Client) {
    eventually("the vectors of every note", Duration::from_secs(60), async || {
        shared().run_jobs().await;
        let notes = embeddings(client).await["notes"].clone();
        (notes["completed"] == notes["total"]).then_some(())
    })
    .await;
}

async fn embeddings(client: &Client) -> Value {
    client.get("/v1/embeddings").await.data(200)["embeddings"].clone()
}

#[tokio::test]
async fn a_text_that_says_the_same_is_refused_unless_it_is_meant() {
    let (agent, person) = agent_with_vectors().await;
    let name = unique();
    let (one, other) = (section(&name, "first"), section(&name, "second"));
    let note = person.post("/v1/notes", &json!({ "title": "Original", "content": one })).await.data(201)["note"].clone();
    embed(&agent).await;
    assert_similar(&write(&agent, &text(&other)).await, "Original");
    let kept = attempts(&agent).await;
    assert_eq!((kept.len(), kept[0].0.as_str(), &kept[0].2), (1, "failed", &vec!["duplicate_detection".to_owned()]));

    let meant = json!({ "agent_model": "scribe-1", "allow_duplicate": true });
    let copy = write(&agent, &with(text(&other), "metadata", meant)).await.data(201)["note"].clone();
    write(&agent, &text(&section(&unique(), "first"))).await.data(201);
    // What is like the note that it is for is an edit of it.
    for there in [&note, &copy] {
        person.delete(id_of(there)).await.data(200);
    }
    let mine = write(&agent, &text(&one)).await.data(201)["note"].clone();
    let change = with(with(text(&other), "note_id", id_of(&mine)), "if_version", 1);
    assert_eq!(write(&agent, &change).await.data(200)["version"], 2);
}

#[tokio::test]
async fn a_repeated_request_is_not_like_what_it_wrote() {
    let (agent, person) = agent_with_vectors().await;
    person.post("/v1/notes", &json!({ "title": "Something", "content": section(&unique(), "first") })).await.data(201);
    embed(&agent).await;
    let body = text(&section(&unique(), "first"));
    let again = async || send(agent.request(Method::POST, "/v1/agent/write-note").header("Idempotency-Key", "once").json(&body)).await;
    let first = again().await.data(201);
    let second = again().await;
    assert_eq!((second.header("idempotent-replayed"), second.data(201)), ("true", first));
}

#[tokio::test]
async fn every_part_must_be_in_one_note() {
    let (agent, person) = agent_with_vectors().await;
    let (name, other) = (unique(), unique());
    let original = sections(&name, 5, "first");
    person.post("/v1/notes", &json!({ "title": "Original", "content": original })).await.data(201);
    person.post("/v1/notes", &json!({ "title": "Another", "content": sections(&other, 5, "first") })).await.data(201);
    embed(&agent).await;
    assert_similar(&write(&agent, &text(&sections(&name, 5, "second"))).await, "Original");
    assert_similar(&write(&agent, &text(&sections(&name, 3, "third"))).await, "Original");
    let from_both = format!("{}{}", sections(&name, 3, "fourth"), sections(&other, 3, "fourth"));
    write(&agent, &text(&from_both)).await.data(201);
    let with_more = format!("{}{}", sections(&name, 5, "fifth"), section(&unique(), "new"));
    write(&agent, &text(&with_more)).await.data(201);
}

#[tokio::test]
async fn nothing_is_sent_without_consent_and_nobody_is_compared_with_strangers() {
    let (agent, person) = agent_and_person().await;
    let (stranger, _) = agent_with_vectors().await;
    let name = unique();
    for (client, word) in [(&person, "first"), (&stranger, "second")] {
        client.post("/v1/notes", &json!({ "title": "Original", "content": section(&name, word) })).await.data(201);
    }
    embed(&stranger).await;
    write(&agent, &text(&section(&name, "third"))).await.data(201);
    let sent = |word: &str| shared().provider.embedded().keys().any(|embedded| embedded.contains(&name) && embedded.contains(word));
    assert!(sent("second") && !sent("first") && !sent("third"), "only the stranger agreed");

    let (other, other_person) = agent_with_vectors().await;
    other_person.post("/v1/notes", &json!({ "title": "Else", "content": section(&unique(), "first") })).await.data(201);
    embed(&other).await;
    write(&other, &text(&section(&name, "fourth"))).await.data(201);
    assert!(sent("fourth"), "it was compared, with its own workspace's notes");
}

#[tokio::test]
async fn the_vectors_that_a_text_was_compared_by_become_the_notes() {
    let (agent, person) = agent_with_vectors().await;
    person.post("/v1/notes", &json!({ "title": "Something", "content": section(&unique(), "first") })).await.data(201);
    embed(&agent).await;
    let before = embeddings(&agent).await;
    let name = unique();
    write(&agent, &text(&sections(&name, 5, "first"))).await.data(201);
    let stored = embeddings(&agent).await;
    let vectors = |embeddings: &Value| embeddings["vectors"][0]["vectors"].as_i64().unwrap();
    assert_eq!(vectors(&stored) - vectors(&before), stored["chunks"].as_i64().unwrap() - before["chunks"].as_i64().unwrap());
    assert!(stored["embedded_tokens"].as_i64() > before["embedded_tokens"].as_i64(), "{stored}");
    embed(&agent).await;
    let after = embeddings(&agent).await;
    assert_eq!((&after["notes"]["completed"], &after["embedded_chunks"]), (&json!(2), &stored["embedded_chunks"]));
    let times: Vec<usize> =
        shared().provider.embedded().into_iter().filter(|(sent, _)| sent.contains(&name)).map(|(_, times)| times).collect();
    assert!(times.len() > 1 && times.iter().all(|&times| times == 1), "{times:?}");
}

#[tokio::test]
async fn a_provider_that_fails_or_hangs_holds_no_text_up() {
    let world = World::start().await.unwrap();
    let scopes = ["notes:read".to_owned(), "notes:write".to_owned()];
    let agent = world.tenant_with(|_| KeyRequest { email: "a@example.com".to_owned(), scopes: scopes.into(), ..any_key() }).await;
    let mut owner = database::connect(&world.database.owner_url).await.unwrap();
    database::set_consent(&mut owner, agent.key.workspace_id, true).await.unwrap();
    let name = unique();
    write(&agent, &text(&section(&name, "first"))).await.data(201);
    world.run_jobs().await;
    assert_similar(&write(&agent, &text(&section(&name, "second"))).await, &format!("About {name}"));
    for (mode, word) in [(Mode::Hangs, "third"), (Mode::ServerError, "fourth"), (Mode::TooFew, "fifth")] {
        world.provider.set_mode(mode);
        let before = world.provider.requests();
        let begin = Instant::now();
        write(&agent, &text(&section(&name, word))).await.data(201);
        assert_eq!(world.provider.requests(), before + 1, "{mode:?}: it was asked");
        assert!(begin.elapsed() < Duration::from_secs(3), "{mode:?}: {:?}", begin.elapsed());
    }
    let refused = write(&agent, &text(&section(&name, "third"))).await;
    assert_eq!(refused.status, 422, "an exact copy is found without it: {}", refused.body);
}
