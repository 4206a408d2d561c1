//! Agents that write: the rules for their texts at every door, what is kept of their attempts, and what people make of them.

mod corrections;
mod doors;
mod learned;
mod likeness;
mod rules;

use noted::keys::{KeyKind, KeyRequest, Tier};
use noted_shared::domain::ContentHash;
use noted_tests::client::{Answer, Client, id_of, send};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{assert_refused, with};

/// A text that breaks no rule.
const GOOD: &str = "# Storage\n\nNotes are kept in PostgreSQL, and so is every version that any of them ever had.\n";

/// A text that breaks one rule.
const SHORT: &str = "Too short.";

/// What is told of it.
const SHORT_MESSAGE: &str = "Note content too short (minimum 50 characters)";

/// Keys of an agent and of a person's editor in one new workspace.
async fn agent_and_person() -> (Client, Client) {
    let email = format!("{}@example.com", Uuid::new_v4());
    let scopes: Vec<String> = ["notes:read", "notes:write", "notes:delete", "ide:sync"].map(str::to_owned).into();
    let agent = KeyRequest { email: email.clone(), kind: KeyKind::Agent, scopes, ..any_key() };
    let agent = shared().tenant_with(|_| agent).await.writing_as("agent");
    let workspace = Some(agent.key.workspace_id);
    let person = shared().tenant_with(|request| KeyRequest { workspace, new_workspace: None, email, ..request }).await;
    (agent, person)
}

fn any_key() -> KeyRequest {
    KeyRequest {
        workspace: None,
        new_workspace: Some("agents".to_owned()),
        email: String::new(),
        kind: KeyKind::Agent,
        scopes: Vec::new(),
        expires_days: 1,
        tier: Tier::Internal,
        test: true,
    }
}

fn text(content: &str) -> Value {
    json!({ "content": content, "metadata": { "agent_model": "scribe-1" } })
}

async fn write(client: &Client, body: &Value) -> Answer {
    client.post("/v1/agent/write-note", body).await
}

/// A note that the agent wrote.
async fn written(client: &Client, content: &str) -> Value {
    write(client, &text(content)).await.data(201)["note"].clone()
}

/// The attempts of a workspace in their order: status, model, rules that were broken, and the version that was written.
async fn attempts(client: &Client) -> Vec<(String, Option<String>, Vec<String>, Option<i64>)> {
    let select = "select validation_status, agent_model,
            array(select error ->> 'rule' from jsonb_array_elements(validation_errors) as error), written_version
        from noted.agent_write_attempts order by created_at, id";
    sqlx::query_as(select).fetch_all(&mut shared().inside(client).await).await.unwrap()
}

#[tokio::test]
async fn an_agent_makes_a_note_and_changes_it() {
    let (agent, _) = agent_and_person().await;
    let answer = write(&agent, &text(GOOD)).await;
    let data = answer.data(201);
    assert_eq!((&data["status"], &data["validation_passed"], &data["version"]), (&json!("success"), &json!(true), &json!(1)));
    let note = data["note"].clone();
    assert_eq!((&note["title"], &note["note_type"], &note["content"]), (&json!("Storage"), &json!("agent_generated"), &json!(GOOD)));
    assert_eq!((&note["source_metadata"], &data["note_id"]), (&json!({ "agent_model": "scribe-1" }), &note["id"]));

    let change = with(text(&format!("{GOOD}More of it.\n")), "note_id", id_of(&note));
    let message = "Send If-Match with the ETag of the version that you have seen, or if_version in the body";
    assert_refused(&write(&agent, &change).await, (428, "PRECONDITION_REQUIRED", Some("If-Match"), message), "no version");
    let stale = write(&agent, &with(change.clone(), "if_version", 2)).await;
    let message = "The note is at version 1, not at the one in If-Match";
    let details = assert_refused(&stale, (412, "PRECONDITION_FAILED", Some("If-Match"), message), "another version");
    assert_eq!(details["version"], 1);
    // The body is right and the header is not, and the other way round.
    for (version, if_match) in [(1, "\"2\""), (2, answer.header("etag"))] {
        let twofold = with(change.clone(), "if_version", version);
        let refused = agent.write(Method::POST, "/v1/agent/write-note", if_match, &twofold).await;
        let message = "if_version is another version than that of If-Match";
        assert_refused(&refused, (422, "VALIDATION_ERROR", Some("if_version"), message), "two versions");
    }
    let fresh = agent.write(Method::POST, "/v1/agent/write-note", answer.header("etag"), &text("# Fresh\n\nAnother text.\n")).await;
    assert_eq!(fresh.error(400)["field"], "If-Match", "nothing is there that could be at a version");
    let changed = write(&agent, &with(change, "if_version", 1)).await.data(200);
    assert_eq!((&changed["version"], &changed["note"]["title"]), (&json!(2), &json!("Storage")));
    let by_header = with(text(&format!("{GOOD}And more.\n")), "note_id", id_of(&note));
    let by_header = agent.write(Method::POST, "/v1/agent/write-note", answer.header("etag"), &by_header).await;
    assert_eq!(by_header.status, 412, "{}", by_header.body);
    let missing = with(with(text(GOOD), "note_id", Uuid::new_v4().to_string()), "if_version", 1);
    assert_eq!(write(&agent, &with(missing, "metadata", json!({ "agent_model": "m", "allow_duplicate": true }))).await.status, 404);
}

#[tokio::test]
async fn a_note_says_which_agent_wrote_the_text_that_it_has() {
    let (agent, person) = agent_and_person().await;
    let folder = person.post("/v1/folders", &json!({ "name": "notes" })).await.data(201)["folder"].clone();
    let first = json!({
        "agent_model": "model-1", "agent_name": "scribe", "agent_version": "2.0", "generation_prompt": "Say where notes are kept.",
        "confidence_score": 0.75,
    });
    let body = json!({
        "content": GOOD, "metadata": first, "ide_file_path": "docs/storage.md", "folder_id": folder["id"], "tags": ["storage"],
    });
    let note = write(&agent, &body).await.data(201)["note"].clone();
    assert_eq!((&note["ide_file_path"], &note["folder_id"]), (&json!("docs/storage.md"), &folder["id"]));
    assert_eq!(note["source_metadata"], with(first.clone(), "tags", json!(["storage"])));

    // Another model replaces the text: what was said of the first one is not true of it.
    let by_other = |content: &str, version: i64| json!({ "note_id": note["id"], "if_version": version, "content": content, "metadata": { "agent_model": "model-2" } });
    let changed = write(&agent, &by_other(&format!("{GOOD}More of it.\n"), 1)).await.data(200)["note"].clone();
    assert_eq!(changed["source_metadata"], json!({ "agent_model": "model-2", "tags": ["storage"] }));
    assert_eq!((&changed["ide_file_path"], &changed["folder_id"]), (&json!("docs/storage.md"), &folder["id"]), "they stay");
    let moved = with(with(by_other(&format!("{GOOD}More of it.\n"), 2), "ide_file_path", "b.md"), "tags", json!([]));
    let moved = write(&agent, &moved).await.data(200)["note"].clone();
    assert_eq!((&moved["ide_file_path"], &moved["source_metadata"]["tags"]), (&json!("b.md"), &json!([])));

    // A person's note gets an agent's text and stays a person's note.
    let own = person.post("/v1/notes", &json!({ "title": "Own", "content": "Own text.", "tags": ["own"] })).await.data(201)["note"].clone();
    let into_own = with(by_other(&format!("{GOOD}Of one's own.\n"), 1), "note_id", id_of(&own));
    let into_own = write(&agent, &into_own).await.data(200)["note"].clone();
    assert_eq!((&into_own["note_type"], &into_own["source_metadata"]), (&json!("user_created"), &json!({ "tags": ["own"] })));
    let taken = json!({ "content": format!("{GOOD}Again.\n"), "metadata": { "agent_model": "m" }, "ide_file_path": "b.md" });
    assert_eq!(write(&agent, &taken).await.error(409)["field"], "ide_file_path");
    let nowhere = json!({ "content": format!("{GOOD}Again.\n"), "metadata": { "agent_model": "m" }, "folder_id": Uuid::new_v4() });
    assert_eq!(write(&agent, &nowhere).await.error(404)["field"], "folder_id");
}

#[tokio::test]
async fn what_was_written_is_answered_again_and_not_judged_again() {
    let (agent, _) = agent_and_person().await;
    let again =
        async || send(agent.request(Method::POST, "/v1/agent/write-note").header("Idempotency-Key", "once").json(&text(GOOD))).await;
    let first = again().await.data(201);
    let second = again().await;
    assert_eq!((second.header("idempotent-replayed"), second.data(201)), ("true", first));
    assert_eq!(attempts(&agent).await.len(), 1, "a replay is no attempt");
}

#[tokio::test]
async fn every_rule_is_told_with_its_words_and_its_line() {
    let (agent, _) = agent_and_person().await;
    let check = async |content: String, rule: &str, message: &str, line: Value| {
        let answer = write(&agent, &text(&content)).await;
        assert_eq!(answer.status, 422, "{rule}: {}", answer.body);
        let envelope = answer.json();
        let expected = json!({ "rule": rule, "message": message, "line": line, "recoverable": true });
        let data = json!({ "status": "error", "error_code": "VALIDATION_FAILED", "validation_errors": [expected], "recoverable": true });
        assert_eq!(envelope["data"], data);
        let details = json!({ "rule": rule, "line": line, "recoverable": true });
        let error = json!({ "code": "VALIDATION_FAILED", "message": message, "field": "content", "details": details });
        assert_eq!(envelope["errors"], json!([error]));
    };
    check(SHORT.to_owned(), "minimum_content_length", SHORT_MESSAGE, Value::Null).await;
    let cited = format!("{GOOD}As said in [1].\n");
    check(cited.clone(), "hallucination_detection", "Citation [1] at line 4 is not in the RAG context", json!(4)).await;
    check("x".repeat((100 << 10) + 1), "max_note_size", "Note exceeds maximum size (100KB)", Value::Null).await;
    let given = json!({ "agent_model": "scribe-1", "rag_context_ids": [Uuid::new_v4()] });
    write(&agent, &with(text(&cited), "metadata", given)).await.data(201);
    check(
        cited.replace("[1]", "a fence:\n```"),
        "markdown_syntax",
        "Invalid markdown syntax at line 5: the code fence that opens here is not closed",
        json!(5),
    )
    .await;
    written(&agent, GOOD).await;
    check(GOOD.to_owned(), "duplicate_detection", "Similar note already exists: Storage", Value::Null).await;
}

#[tokio::test]
async fn the_limits_of_a_text_are_where_they_are_said_to_be() {
    let (agent, person) = agent_and_person().await;
    assert_eq!(write(&agent, &text(&"x ".repeat(49))).await.status, 422);
    assert_eq!(write(&agent, &text(&"x ".repeat(50))).await.status, 201);
    assert_eq!(write(&agent, &text(&"x".repeat(100 << 10))).await.status, 201);
    assert_eq!(write(&agent, &text(&"x".repeat((100 << 10) + 1))).await.status, 422);
    let large = json!({ "title": "Large", "content": "x".repeat((100 << 10) + 1) });
    assert_eq!(person.post("/v1/notes", &large).await.status, 201, "people may write ten times as much");
    let too_large = json!({ "title": "Too large", "content": "x".repeat((1 << 20) + 1) });
    assert_eq!(agent.post("/v1/notes", &too_large).await.status, 413);
}

#[tokio::test]
async fn a_copy_is_refused_unless_it_is_meant() {
    let (agent, person) = agent_and_person().await;
    let (stranger, _) = agent_and_person().await;
    let note = written(&agent, GOOD).await;
    written(&stranger, GOOD).await;
    let by_person = person.post("/v1/notes", &json!({ "title": "Copy", "content": GOOD })).await.data(201)["note"].clone();
    let meant = json!({ "agent_model": "scribe-1", "allow_duplicate": true });
    let meant = write(&agent, &with(text(GOOD), "metadata", meant)).await.data(201)["note"].clone();

    // A note that keeps its text is no copy, even beside one; a new text that another note has is.
    let unchanged = with(with(text(GOOD), "note_id", id_of(&note)), "if_version", 1);
    assert_eq!(write(&agent, &unchanged).await.data(200)["version"], 1);
    let other = written(&agent, &format!("{GOOD}Another one.\n")).await;
    let copied = with(with(text(GOOD), "note_id", id_of(&other)), "if_version", 1);
    for there in [&note, &by_person, &meant] {
        assert_eq!(write(&agent, &copied).await.status, 422, "a copy of {there}");
        person.delete(id_of(there)).await.data(200);
    }
    assert_eq!(write(&agent, &copied).await.data(200)["version"], 2, "what is deleted is not there to be copied");
}

#[tokio::test]
async fn every_attempt_is_kept_and_a_second_try_is_told_from_a_first() {
    let (agent, person) = agent_and_person().await;
    let named = |content: &str| with(text(content), "title", "Plan");
    write(&agent, &named(SHORT)).await;
    write(&agent, &named(SHORT)).await;
    let note = write(&agent, &named(GOOD)).await.data(201)["note"].clone();
    let broken = |status: &str, rule: &str| (status.to_owned(), Some("scribe-1".to_owned()), vec![rule.to_owned()], None);
    let passed = |status: &str, version| (status.to_owned(), Some("scribe-1".to_owned()), Vec::new(), Some(version));
    let failed = broken("failed", "minimum_content_length");
    assert_eq!(attempts(&agent).await, [failed.clone(), failed, passed("retried", 1)]);
    let retries: i64 = sqlx::query_scalar("select count(*) from noted.agent_write_attempts where is_retry")
        .fetch_one(&mut shared().inside(&agent).await)
        .await
        .unwrap();
    assert_eq!(retries, 2, "the second failure was a try again too");

    let change = with(with(text(&format!("{GOOD}More.\n")), "note_id", id_of(&note)), "if_version", 1);
    write(&agent, &change).await.data(200);
    assert_eq!(attempts(&agent).await.last(), Some(&passed("passed", 2)), "nothing failed in between");
    person.note("a.md", SHORT).await;
    assert_eq!(attempts(&agent).await.len(), 4, "people make no attempts");
    let preview: (Option<Uuid>, String) = sqlx::query_as("select note_id, content_preview from noted.agent_write_attempts limit 1")
        .fetch_one(&mut shared().inside(&agent).await)
        .await
        .unwrap();
    assert_eq!(preview, (None, SHORT.to_owned()));
}

#[tokio::test]
async fn a_text_that_is_judged_counts_as_one_request() {
    let email = format!("{}@example.com", Uuid::new_v4());
    let scopes = vec!["notes:write".to_owned()];
    let agent = shared().tenant_with(|_| KeyRequest { email, scopes, tier: Tier::Free, ..any_key() }).await;
    let first = agent.post("/v1/notes", &json!({ "title": "Plan", "content": GOOD })).await;
    assert_eq!((first.status, first.header("x-ratelimit-remaining")), (201, "99"), "{}", first.body);
    let second = agent.post("/v1/notes", &json!({ "title": "Plan", "content": SHORT })).await;
    assert_eq!((second.status, second.header("x-ratelimit-remaining")), (422, "98"), "{}", second.body);
}

#[tokio::test]
async fn the_route_is_for_agents_and_whoever_writes_for_one() {
    let (_, person) = agent_and_person().await;
    let expected = (403, "FORBIDDEN", None, "This route is for keys of kind agent or user");
    assert_refused(&write(&person, &text(GOOD)).await, expected, "an editor");
    let user = shared().tenant_with(|request| KeyRequest { kind: KeyKind::User, ..request }).await;
    assert_eq!(write(&user, &text(SHORT)).await.status, 422, "a person who writes for an agent is judged too");
    written(&user, GOOD).await;
    let reader = shared().tenant_with(|_| KeyRequest { email: "reader@example.com".to_owned(), ..any_key() }).await;
    assert_refused(&write(&reader, &text(GOOD)).await, (403, "MISSING_SCOPE", None, "Missing required scope: notes:write"), "scope");
    let get = user.get("/v1/agent/write-note").await;
    assert_eq!((get.status, get.header("allow")), (405, "POST, OPTIONS"));
    assert_eq!(user.get("/v1/agent/nothing").await.status, 404);
    let anonymous = user.anonymous(Method::POST, "/v1/agent/write-note").header("Idempotency-Key", "k").json(&text(GOOD));
    assert_eq!(send(anonymous).await.status, 401);
    let wrong = write(&user, &json!({ "content": GOOD, "content_sha256": ContentHash::of("x"), "metadata": { "agent_model": "m" } })).await;
    assert_refused(&wrong, (422, "INTEGRITY_ERROR", Some("content_sha256"), "Content integrity check failed"), "hash");
}
