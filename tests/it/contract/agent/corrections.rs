//! What people make of agents' texts: corrections that follow from their edits, and their thumbs.

use noted_tests::client::{Client, id_of, tag_of};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{GOOD, agent_and_person, text, with, write, written};
use crate::contract::assert_refused;

/// The corrections of a workspace in their order: class, text before, text after, whether it was a strong one.
async fn corrections(client: &Client) -> Vec<(Option<String>, String, Option<String>, bool)> {
    let select = "select correction_type, original_content, corrected_content, is_strong from noted.agent_note_corrections order by id";
    sqlx::query_as(select).fetch_all(&mut shared().inside(client).await).await.unwrap()
}

async fn patched(client: &Client, note: &Value, change: &Value) -> Value {
    let path = format!("/v1/notes/{}", id_of(note));
    client.write(Method::PATCH, &path, &tag_of(note), change).await.data(200)["note"].clone()
}

#[tokio::test]
async fn a_persons_edit_of_an_agents_text_is_a_correction_and_nothing_else_is() {
    let (agent, person) = agent_and_person().await;
    let note = written(&agent, GOOD).await;
    let own = format!("{GOOD}The agent's own.\n");
    let change = with(with(text(&own), "note_id", id_of(&note)), "if_version", 1);
    let note = write(&agent, &change).await.data(200)["note"].clone();
    let note = patched(&person, &note, &json!({ "title": "Renamed" })).await;
    assert_eq!(corrections(&person).await, [], "an agent's own edit is none, and a title is no text");

    let note = patched(&person, &note, &json!({ "content": "mine" })).await;
    let expected = (None, own.clone(), Some("mine".to_owned()), false);
    assert_eq!(corrections(&person).await, std::slice::from_ref(&expected));
    let note = patched(&person, &note, &json!({ "content": "mine again" })).await;
    // The agent's text, put back by a person, is that person's.
    let note = patched(&person, &note, &json!({ "content": own })).await;
    patched(&person, &note, &json!({ "content": "mine at last" })).await;
    assert_eq!(corrections(&person).await, [expected], "people correct each other unseen");
}

#[tokio::test]
async fn an_edit_by_an_editor_counts_like_any_other() {
    let (agent, person) = agent_and_person().await;
    let note = written(&agent, GOOD).await;
    let note = person.edited(&note, "by an editor").await;
    assert_eq!(corrections(&person).await.len(), 1);
    let (other, second) = (format!("{GOOD}Second.\n"), json!({ "agent_model": "scribe-2" }));
    let change = with(with(with(text(&other), "note_id", id_of(&note)), "if_version", 2), "metadata", second);
    let note = write(&agent, &change).await.data(200)["note"].clone();
    let update = with(noted_tests::client::note_update(&note, "in a batch"), "note_id", id_of(&note));
    person.batch(&[with(update, "idempotency_key", Uuid::new_v4().to_string())]).await.data(200);
    let models: Vec<Option<String>> = sqlx::query_scalar("select agent_model from noted.agent_note_corrections order by id")
        .fetch_all(&mut shared().inside(&person).await)
        .await
        .unwrap();
    assert_eq!(models, [Some("scribe-1".to_owned()), Some("scribe-2".to_owned())]);
}

#[tokio::test]
async fn a_text_that_is_deleted_at_once_is_a_strong_correction() {
    let (agent, person) = agent_and_person().await;
    let (note, kept) = (written(&agent, GOOD).await, written(&agent, &format!("{GOOD}Kept for long.\n")).await);
    person.delete(id_of(&note)).await.data(200);
    let expected = (Some("deletion".to_owned()), GOOD.to_owned(), None, true);
    assert_eq!(corrections(&person).await, std::slice::from_ref(&expected));
    sqlx::query("update noted.agent_write_attempts set created_at = created_at - interval '6 minutes'")
        .execute(&mut shared().inside(&person).await)
        .await
        .unwrap();
    person.delete(id_of(&kept)).await.data(200);
    assert_eq!(corrections(&person).await, [expected], "whoever deletes what has been there for long is tidying up");
    let by_agent = written(&agent, &format!("{GOOD}By itself.\n")).await;
    agent.write(Method::DELETE, &format!("/v1/notes/{}", id_of(&by_agent)), &tag_of(&by_agent), &Value::Null).await.data(200);
    assert_eq!(corrections(&person).await.len(), 1);
}

#[tokio::test]
async fn a_thumb_down_is_kept_with_its_reasons_until_it_is_taken_back() {
    let (agent, person) = agent_and_person().await;
    let note = written(&agent, GOOD).await;
    let thumb = |rating: &str, reasons: Value| json!({ "note_id": id_of(&note), "rating": rating, "reasons": reasons });
    let disliked = async || {
        let select = "select reasons from noted.agent_note_corrections where correction_type = 'user_dislike' and note_id is not null";
        sqlx::query_scalar::<_, Vec<String>>(select).fetch_all(&mut shared().inside(&person).await).await.unwrap()
    };
    person.post("/v1/agent/feedback", &thumb("down", json!(["too_long"]))).await.data(200);
    person.post("/v1/agent/feedback", &thumb("down", json!(["inaccurate", "unhelpful"]))).await.data(200);
    assert_eq!(disliked().await, [["inaccurate", "unhelpful"]], "one opinion for each person");
    person.post("/v1/agent/feedback", &thumb("up", Value::Null)).await.data(200);
    assert_eq!(disliked().await, [[""; 0]; 0]);

    let kinds = (403, "FORBIDDEN", None, "This route is for keys of kind user or ide");
    assert_refused(&agent.post("/v1/agent/feedback", &thumb("up", Value::Null)).await, kinds, "an agent");
    let own = person.note("a.md", "mine").await;
    let nobodys = with(thumb("down", json!([])), "note_id", id_of(&own));
    let message = "note_id is of a note whose text no agent wrote";
    assert_refused(&person.post("/v1/agent/feedback", &nobodys).await, (422, "VALIDATION_ERROR", Some("note_id"), message), "a person's");
    let missing = with(thumb("down", json!([])), "note_id", Uuid::new_v4().to_string());
    assert_eq!(person.post("/v1/agent/feedback", &missing).await.status, 404);
}
