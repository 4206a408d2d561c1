//! The same rules at every door: whatever an agent writes by, a text that breaks them is not stored.

use noted_tests::client::{Answer, Client, id_of, item, note_in, note_update, send, tag_of};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{GOOD, SHORT, SHORT_MESSAGE, agent_and_person, attempts, text, write};
use crate::contract::{assert_refused, with};

/// Every request by which a text becomes a note's, each with a text of its own and about a note of its own.
async fn doors(client: &Client, person: &Client, content: impl Fn(usize) -> String) -> Vec<(&'static str, Answer)> {
    let (one, two, three, four) = (fresh(person).await, fresh(person).await, fresh(person).await, fresh(person).await);
    let replacement = json!({ "title": "Plan", "content": content(3), "note_type": "import" });
    let (conflict_id, vector) = conflict(person).await;
    let resolution =
        json!({ "strategy": "manual_merge", "sync_origin_id": client.origin, "version_vector": vector, "content": content(5) });
    let change = with(with(text(&content(6)), "note_id", id_of(&four)), "if_version", 1);
    vec![
        ("POST /v1/ide-sync/create", client.create(&note_in(&path(), &content(0))).await),
        ("PUT /v1/ide-sync/update", client.update(id_of(&one), &note_update(&one, &content(1))).await),
        ("POST /v1/notes", client.post("/v1/notes", &json!({ "title": "Plan", "content": content(2) })).await),
        ("PUT /v1/notes", client.write(Method::PUT, &path_of(&two), &tag_of(&two), &replacement).await),
        ("PATCH /v1/notes", client.write(Method::PATCH, &path_of(&three), &tag_of(&three), &json!({ "content": content(4) })).await),
        ("POST /v1/conflicts", client.post(&format!("/v1/conflicts/{conflict_id}/resolve"), &resolution).await),
        ("POST /v1/agent/write-note", write(client, &change).await),
    ]
}

fn path() -> String {
    format!("{}.md", Uuid::new_v4())
}

fn path_of(note: &Value) -> String {
    format!("/v1/notes/{}", id_of(note))
}

/// A note of a person's.
async fn fresh(person: &Client) -> Value {
    let body = json!({ "title": "Import", "content": path(), "note_type": "import" });
    person.post("/v1/notes", &body).await.data(201)["note"].clone()
}

/// A conflict of a person's, and the vector to settle it with.
async fn conflict(person: &Client) -> (String, Value) {
    let note = person.note(&path(), "base").await;
    person.update(id_of(&note), &with(note_update(&note, "theirs"), "sync_origin_id", "b")).await.data(200);
    let details = person.update(id_of(&note), &with(note_update(&note, "mine"), "sync_origin_id", "a")).await.error(409)["details"].clone();
    (details["conflict_id"].as_str().unwrap().to_owned(), details["remote_vector"].clone())
}

/// Changes of the workspace so far.
async fn changes(client: &Client) -> usize {
    let pages = client.all_changes("", "limit=500").await;
    pages.iter().map(|page| page["changes"].as_array().unwrap().len()).sum()
}

#[tokio::test]
async fn every_door_refuses_an_agents_text_that_breaks_a_rule() {
    let (agent, person) = agent_and_person().await;
    let refused = doors(&agent, &person, |_| SHORT.to_owned()).await;
    for (door, answer) in &refused {
        let error = &answer.json()["errors"][0];
        assert_eq!((answer.status, &error["code"], &error["message"]), (422, &json!("VALIDATION_FAILED"), &json!(SHORT_MESSAGE)), "{door}");
    }
    let kept = attempts(&agent).await;
    assert_eq!(kept.len(), refused.len(), "{kept:?}");
    assert!(kept.iter().all(|(status, _, _, version)| status == "failed" && version.is_none()), "{kept:?}");
    let found = person.get("/v1/notes?fields=content&limit=500").await.data(200);
    assert!(!found["notes"].as_array().unwrap().iter().any(|note| note["content"] == SHORT), "{found}");
}

#[tokio::test]
async fn every_door_lets_in_what_breaks_no_rule_and_whatever_a_person_writes() {
    let (agent, person) = agent_and_person().await;
    for (door, answer) in doors(&agent, &person, |place| format!("{GOOD}Number {place}.\n")).await {
        assert!(matches!(answer.status, 200 | 201), "{door}: {}", answer.body);
    }
    let kept = attempts(&agent).await;
    assert_eq!(kept.iter().filter(|(status, _, _, version)| status == "passed" && version.is_some()).count(), 7, "{kept:?}");

    let (_, person) = agent_and_person().await;
    for (door, answer) in doors(&person, &person, |_| SHORT.to_owned()).await {
        let is_for_agents = door.ends_with("write-note");
        assert_eq!(matches!(answer.status, 200 | 201), !is_for_agents, "{door}: {}", answer.body);
    }
    assert_eq!(attempts(&person).await, []);
}

#[tokio::test]
async fn a_batch_judges_each_item_for_itself() {
    let (agent, _) = agent_and_person().await;
    let good = |number: usize| item(&path(), &format!("{GOOD}Number {number}.\n"));
    let mut items: Vec<Value> = (0..10).map(good).collect();
    items.push(item(&path(), SHORT));
    let data = agent.batch(&items).await.data(200);
    assert_eq!(data["summary"], json!({ "total": 11, "succeeded": 10, "failed": 1 }));
    let last = &data["results"][10];
    assert_eq!((&last["error_code"], &last["error_message"]), (&json!("VALIDATION_FAILED"), &json!(SHORT_MESSAGE)));
    assert_eq!(last["details"]["violations"][0]["rule"], "minimum_content_length");

    // Two copies in one batch: the second is one. More than a tenth fails, so nothing is stored, but what was tried is known.
    let before = changes(&agent).await;
    let copies = [item(&path(), &format!("{GOOD}Twice.\n")), item(&path(), &format!("{GOOD}Twice.\n"))];
    let data = agent.batch(&copies).await;
    assert_eq!(data.status, 422, "{}", data.body);
    assert_eq!(data.json()["data"]["results"][1]["error_message"], "Similar note already exists: A note");
    assert_eq!(changes(&agent).await, before);
    let kept: Vec<String> = attempts(&agent).await.into_iter().map(|(status, ..)| status).collect();
    assert_eq!(kept.iter().filter(|status| *status == "failed").count(), 2, "{kept:?}");
    assert_eq!(kept.len(), 12, "{kept:?}");
}

#[tokio::test]
async fn what_is_no_text_is_not_judged() {
    let (agent, person) = agent_and_person().await;
    let note = person.note("a.md", "one").await;
    let note = person.edited(&note, "two").await;
    let renamed = agent.write(Method::PATCH, &path_of(&note), &tag_of(&note), &json!({ "title": "Renamed" })).await.data(200);
    assert_eq!(renamed["note"]["version"], 3);
    let restore = format!("{}/restore/1", path_of(&note));
    let restored = agent.write(Method::POST, &restore, &tag_of(&renamed["note"]), &Value::Null).await.data(200)["note"].clone();
    agent.write(Method::DELETE, &path_of(&note), &tag_of(&restored), &Value::Null).await.data(200);
    agent.post(&format!("{}/restore", path_of(&note)), &Value::Null).await.data(200);
    assert_eq!(attempts(&agent).await, []);
    let expected = (422, "VALIDATION_FAILED", Some("content"), SHORT_MESSAGE);
    assert_refused(&agent.post("/v1/notes", &json!({ "title": "t", "content": SHORT })).await, expected, "a text is");
}

#[tokio::test]
async fn an_agent_must_name_the_version_that_it_changes() {
    let (agent, person) = agent_and_person().await;
    let note = fresh(&person).await;
    let (of_note, of_file) = (path_of(&note), format!("/v1/ide-sync/delete/{}", id_of(&note)));
    let draft = json!({ "title": "Plan", "content": GOOD, "note_type": "import" });
    let mut rewritten = agent.request(Method::POST, "/v1/agent/write-note").header("Idempotency-Key", path());
    rewritten = rewritten.header("If-Match", "*").json(&with(text(GOOD), "note_id", id_of(&note)));
    let requests = [
        agent.request(Method::PUT, &of_note).header("If-Match", "*").json(&draft),
        agent.request(Method::PATCH, &of_note).header("If-Match", "*").json(&json!({ "title": "Other" })),
        agent.request(Method::DELETE, &of_note).header("If-Match", "*"),
        agent.request(Method::DELETE, &of_file).header("If-Match", "*"),
        agent.request(Method::POST, &format!("{of_note}/restore/1")),
        rewritten,
    ];
    let message = "An agent must name the version that it has seen: send If-Match with that version's ETag, and not with *";
    for request in requests {
        assert_refused(&send(request).await, (428, "PRECONDITION_REQUIRED", Some("If-Match"), message), "an agent");
    }
    assert_eq!(person.get(&of_note).await.data(200)["note"]["version"], 1);
    agent.write(Method::DELETE, &of_note, &tag_of(&note), &json!({})).await.data(200);
    send(agent.request(Method::POST, &format!("{of_note}/restore"))).await.data(200);
    person.write(Method::PATCH, &of_note, "*", &json!({ "title": "Other" })).await.data(200);
}
