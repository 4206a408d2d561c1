//! `/v1/me` and `/v1/workspace/settings`: who a key is, and what its workspace has set.

use noted::keys::{KeyKind, KeyRequest};
use noted_tests::client::{Answer, Client, send};
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_refused, with};

const SETTINGS: &str = "/v1/workspace/settings";

/// A key of this kind, with these scopes.
async fn key(kind: KeyKind, scopes: &[&str]) -> Client {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    shared().tenant_with(|request| KeyRequest { kind, scopes, ..request }).await
}

async fn change(client: &Client, body: Value) -> Answer {
    send(client.request(Method::PATCH, SETTINGS).json(&body)).await
}

#[tokio::test]
async fn a_key_can_find_out_what_it_is_and_what_it_opens() {
    for (kind, scopes) in [(KeyKind::Agent, &["rag:query"][..]), (KeyKind::Ide, &["notes:read", "ide:sync"])] {
        let client = key(kind, scopes).await;
        let me = client.get("/v1/me").await.data(200);
        assert_eq!(me["workspace"]["id"], json!(client.key.workspace_id));
        assert!(me["workspace"]["name"].is_string() && me["workspace"]["tier"].is_string() && me["workspace"]["epoch"].is_string(), "{me}");
        assert_eq!((&me["key"]["kind"], &me["key"]["scopes"]), (&json!(kind.name()), &json!(scopes)));
        let last_four = &client.key.api_key[client.key.api_key.len() - 4..];
        assert_eq!(me["key"]["last_four"], last_four);
        assert!(!me.to_string().contains(&client.key.api_key[..20]), "nothing secret is told");
        assert_eq!(me["user"]["role"], "owner");
        assert!(me["user"]["email"].as_str().unwrap().contains('@'));
        assert!(me["key"]["expires_at"].as_str() > me["key"]["created_at"].as_str(), "{me}");
    }
}

#[tokio::test]
async fn what_is_left_of_the_rate_is_told_to_those_who_have_one() {
    use noted::keys::Tier;
    let counted = shared().tenant_with(|request| KeyRequest { tier: Tier::Free, ..request }).await;
    let answer = counted.get("/v1/me").await;
    let rate = answer.data(200)["rate"].clone();
    assert_eq!((&rate["limit"], rate["remaining"].to_string().as_str()), (&json!(100), answer.header("x-ratelimit-remaining")));
    let unbounded = shared().tenant_with(|request| KeyRequest { tier: Tier::Internal, ..request }).await;
    assert_eq!(unbounded.get("/v1/me").await.data(200)["rate"], Value::Null);
}

#[tokio::test]
async fn a_stranger_learns_nothing_from_either() {
    let client = shared().tenant().await;
    for path in ["/v1/me", SETTINGS] {
        assert_eq!(send(client.anonymous(Method::GET, path)).await.error(401)["code"], "UNAUTHORIZED");
        let elsewhere = client.request(Method::GET, path).header("X-Workspace-ID", uuid::Uuid::new_v4().to_string());
        assert_eq!(send(elsewhere).await.status, 403);
    }
    assert_eq!(send(client.anonymous(Method::PATCH, SETTINGS).json(&json!({ "ai_processing": true }))).await.status, 401);
}

#[tokio::test]
async fn who_manages_a_workspace_gives_and_takes_back_consent_and_sets_rules() {
    for client in [key(KeyKind::User, &["notes:read"]).await, key(KeyKind::Service, &["api_keys:manage"]).await] {
        let before = client.get(SETTINGS).await.data(200);
        let defaults = json!({
            "ai_processing": false, "agent_note_bytes_max": 102_400, "agent_refused_words": [], "conflict_retention_days": 365,
        });
        assert_eq!(before, defaults);
        assert_eq!(client.get("/v1/me").await.data(200)["may_manage"], true);
        let given = change(&client, json!({ "ai_processing": true })).await.data(200);
        assert_eq!((&given["ai_processing"], &given["agent_note_bytes_max"]), (&json!(true), &json!(102_400)));
        let rules = json!({ "agent_note_bytes_max": 2048, "agent_refused_words": ["darn"], "conflict_retention_days": 90 });
        let ruled = change(&client, rules.clone()).await.data(200);
        assert_eq!(ruled, with(rules, "ai_processing", true));
        assert_eq!(client.get(SETTINGS).await.data(200), ruled);
        assert_eq!(change(&client, json!({ "ai_processing": false })).await.data(200)["ai_processing"], false);
    }
}

#[tokio::test]
async fn consent_that_is_given_queues_the_notes_that_are_there() {
    let client = key(KeyKind::User, &["notes:read", "notes:write"]).await;
    let note = client.post("/v1/notes", &json!({ "title": "t", "content": "Text for a vector." })).await.data(201)["note"].clone();
    assert_eq!(note.get("embedding_status"), None);
    change(&client, json!({ "ai_processing": true })).await.data(200);
    let counts = client.get("/v1/embeddings").await.data(200)["embeddings"]["notes"].clone();
    assert_eq!(
        counts["pending"].as_i64().unwrap() + counts["completed"].as_i64().unwrap() + counts["in_progress"].as_i64().unwrap(),
        1,
        "{counts}"
    );
}

#[tokio::test]
async fn nobody_else_changes_a_setting() {
    let message = "Only an owner may do this, by a key of kind user or one with the scope api_keys:manage; an agent's key never";
    let agent = key(KeyKind::Agent, &["notes:read", "notes:write", "api_keys:manage"]).await;
    let editor = key(KeyKind::Ide, &["notes:read", "notes:write"]).await;
    let member = key(KeyKind::User, &["notes:read"]).await;
    sqlx::query("update noted.workspace_members set role = 'editor'").execute(&mut shared().inside(&member).await).await.unwrap();
    for client in [agent, editor, member] {
        assert_refused(&change(&client, json!({ "ai_processing": true })).await, (403, "FORBIDDEN", None, message), "not theirs");
        assert_eq!(client.get(SETTINGS).await.data(200)["ai_processing"], false, "which they may know");
        assert_eq!(client.get("/v1/me").await.data(200)["may_manage"], false);
    }
}

#[tokio::test]
async fn a_setting_that_is_none_is_refused_by_name() {
    let client = key(KeyKind::User, &["notes:read"]).await;
    let check = async |body: Value, status: u16, field: &str| {
        let answer = change(&client, body.clone()).await;
        assert_eq!((answer.status, answer.error(status)["field"].as_str()), (status, Some(field)), "{body}");
    };
    check(json!({}), 400, "body").await;
    check(json!({ "ai_processing": "yes" }), 400, "ai_processing").await;
    check(json!({ "ai_procesing": true }), 400, "ai_procesing").await;
    check(json!({ "agent_note_bytes_max": 10 }), 422, "agent_note_bytes_max").await;
    check(json!({ "agent_refused_words": ["two words"] }), 422, "agent_refused_words").await;
    check(json!({ "conflict_retention_days": 3651 }), 422, "conflict_retention_days").await;
    assert_eq!(send(client.request(Method::PUT, SETTINGS).json(&json!({}))).await.header("allow"), "GET, PATCH, HEAD, OPTIONS");
}
