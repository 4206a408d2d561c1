//! What is learned from agents' writing: the report, and the examples that are exported.

use noted_tests::client::{Client, id_of, send, tag_of};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};

use super::{GOOD, SHORT, agent_and_person, text, with, write, written};
use crate::contract::assert_refused;

/// A long text with one line of its own.
fn long(line: &str) -> String {
    format!("# Facts\n\n{}{line}\n", "A sentence of some length stands here.\n".repeat(40))
}

/// The person replaces the text of a note.
async fn corrected(person: &Client, note: &Value, content: &str) {
    let path = format!("/v1/notes/{}", id_of(note));
    person.write(Method::PATCH, &path, &tag_of(note), &json!({ "content": content })).await.data(200);
}

async fn executed(client: &Client, statement: &'static str) {
    sqlx::raw_sql(statement).execute(&mut shared().inside(client).await).await.unwrap();
}

#[tokio::test]
async fn a_report_tells_how_writing_went_beside_the_time_before() {
    let (agent, person) = agent_and_person().await;
    let named = |content: &str| with(text(content), "title", "Plan");
    // Three texts at four attempts, of which one is deleted at once, in the time before.
    for content in [SHORT.to_owned(), GOOD.to_owned(), format!("{GOOD}Two.\n"), format!("{GOOD}Three.\n")] {
        write(&agent, &with(named(&content), "title", content.len().to_string())).await;
    }
    let notes = person.get("/v1/notes").await.data(200)["notes"].clone();
    person.delete(id_of(&notes[0])).await.data(200);
    executed(&agent, "update noted.agent_write_attempts set created_at = created_at - interval '8 days'").await;
    executed(&agent, "update noted.agent_note_corrections set corrected_at = corrected_at - interval '8 days'").await;

    // Two failures, of which the second is a retry; a retry that passes; a text that is corrected.
    write(&agent, &named(SHORT)).await;
    write(&agent, &named(&format!("{SHORT} [1]"))).await;
    let note = write(&agent, &named(&long("It is ten."))).await.data(201)["note"].clone();
    corrected(&person, &note, &long("It is ten.").replace("of some length", "of no length")).await;

    let report = person.get("/v1/agent/report").await.data(200);
    let (window, before) = (&report["window"], &report["before"]);
    assert_eq!(window["ends"].as_str().map(str::len), before["ends"].as_str().map(str::len));
    assert_eq!(window["begins"], before["ends"]);
    let told = |window: &Value| {
        let names = ["attempts", "failed", "texts_written", "success_rate", "retries", "auto_retry_success_rate", "corrections"];
        names.map(|name| window[name].clone())
    };
    assert_eq!(told(window), [json!(3), json!(2), json!(1), json!(0.3333), json!(2), json!(0.5), json!(1)], "{window}");
    assert_eq!(window["failures_by_rule"], json!({ "hallucination_detection": 1, "minimum_content_length": 2 }));
    assert_eq!(window["corrections_by_type"], json!({ "factual_correction": { "count": 1, "rate": 1.0 } }));
    assert_eq!(told(before), [json!(4), json!(1), json!(3), json!(0.75), json!(0), Value::Null, json!(1)], "{before}");
    assert_eq!(before["corrections_by_type"], json!({ "deletion": { "count": 1, "rate": 0.3333 } }));
    assert_eq!(before["correction_rate"], 0.3333);

    let empty = agent_and_person().await.1.get("/v1/agent/report?since=2000-01-01T00:00:00Z").await.data(200);
    assert_eq!((&empty["window"]["attempts"], &empty["window"]["success_rate"]), (&json!(0), &Value::Null));
    assert_eq!(person.get("/v1/agent/report?since=yesterday").await.error(400)["field"], "since");
}

#[tokio::test]
async fn corrections_that_teach_something_are_exported_if_the_workspace_consents() {
    let (agent, person) = agent_and_person().await;
    let (before, after) = (long("It is ten."), long("It is eleven, as has been found out by counting all of them once more."));
    let note = written(&agent, &before).await;
    corrected(&person, &note, &after).await;
    let small = written(&agent, GOOD).await;
    corrected(&person, &small, &GOOD.replace("kept", "held")).await;
    let deleted = written(&agent, &format!("{GOOD}Deleted.\n")).await;
    person.delete(id_of(&deleted)).await.data(200);

    let refused = person.get("/v1/agent/corrections/export").await;
    let message =
        "AI processing is off in this workspace, so its texts are given to no model; an owner turns it on by PATCH /v1/workspace/settings";
    assert_refused(&refused, (409, "AI_PROCESSING_OFF", None, message), "no consent");
    executed(&person, "update noted.workspaces set ai_processing = true").await;
    let export = person.get("/v1/agent/corrections/export").await;
    assert_eq!((export.status, export.header("content-type")), (200, "application/x-ndjson"), "{}", export.body);
    assert_eq!(export.header("content-length"), export.body.len().to_string());
    let lines: Vec<Value> = export.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{}", export.body);
    let messages = lines[0]["messages"].as_array().unwrap();
    let roles: Vec<&Value> = messages.iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["system", "user", "assistant"]);
    let contents: Vec<&Value> = messages.iter().map(|message| &message["content"]).collect();
    assert_eq!(contents, [&json!("Generate accurate documentation notes"), &json!("Write a note about Facts"), &json!(after)]);
    assert_eq!((&lines[0]["input"], &lines[0]["label"]), (&json!(before), &json!("factual_correction")));

    let (_, stranger) = agent_and_person().await;
    executed(&stranger, "update noted.workspaces set ai_processing = true").await;
    assert_eq!(stranger.get("/v1/agent/corrections/export").await.body, "", "nothing of another workspace");
    let post = send(stranger.request(Method::POST, "/v1/agent/corrections/export")).await;
    assert_eq!((post.status, post.header("allow")), (405, "GET, HEAD, OPTIONS"));
}
