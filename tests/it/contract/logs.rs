//! What the components write down about a request, and what they must not.

use std::time::Duration;

use noted_shared::domain::Timestamp;
use noted_tests::client::{Client, id_of, note_in, note_update, send};
use noted_tests::world::{eventually, shared};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use uuid::Uuid;

use super::with;

/// The line about the request with this correlation id, once it is there.
async fn line_about(correlation: &str) -> Value {
    let found = async || {
        let logs = shared().logs().ok()?;
        let line = logs.lines().find(|line| line.contains(correlation) && line.ends_with('}'))?;
        Some(serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
    };
    eventually("a line in the log", Duration::from_secs(5), found).await
}

/// The line about one request.
async fn logged(request: RequestBuilder) -> (u16, Value) {
    let correlation = format!("chain-{}", Uuid::new_v4());
    let answer = send(request.header("X-Correlation-ID", &correlation)).await;
    let line = line_about(&correlation).await;
    assert_eq!((&line["correlation_id"], &line["request_id"]), (&Value::from(correlation), &Value::from(answer.header("x-request-id"))));
    (answer.status, line)
}

fn create(client: &Client, body: &Value) -> RequestBuilder {
    client.request(Method::POST, "/v1/ide-sync/create").header("Idempotency-Key", Uuid::new_v4().to_string()).json(body)
}

#[tokio::test]
async fn every_request_is_one_line_of_json_in_the_promised_form() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    client.healthy().await;
    let put = |note: &Value, text: &str| {
        let request = client.request(Method::PUT, &format!("/v1/ide-sync/update/{}", id_of(note)));
        request.header("Idempotency-Key", Uuid::new_v4().to_string()).json(&note_update(note, text))
    };
    let cases = [
        (create(&client, &note_in("b.md", "b")), 201, "info", "ide_sync_create"),
        (put(&note, "two"), 200, "info", "ide_sync_update"),
        (put(&note, "three"), 409, "warn", "conflict_detected"),
        (
            client.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}", id_of(&note))).header("If-Match", "*"),
            200,
            "info",
            "ide_sync_delete",
        ),
        (client.request(Method::GET, "/v1/ide-sync/list"), 200, "info", "ide_sync_list"),
        (client.request(Method::GET, "/v1/ide-sync/changes"), 200, "info", "ide_sync_changes"),
        (client.request(Method::GET, "/v1/ide-sync/status"), 200, "info", "ide_sync_status"),
        (client.request(Method::GET, "/health"), 200, "info", "health"),
        (client.request(Method::GET, "/nowhere"), 404, "warn", "api_error"),
        (client.anonymous(Method::GET, "/v1/ide-sync/list"), 401, "warn", "api_error"),
        (create(&client, &with(note_in("c.md", "c"), "title", "")), 422, "warn", "api_error"),
    ];
    for (request, status, level, operation) in cases {
        let (answered, line) = logged(request).await;
        assert_eq!(
            (answered, &line["level"], &line["context"]["operation"]),
            (status, &Value::from(level), &Value::from(operation)),
            "{line}"
        );
        assert_eq!((&line["context"]["status"], &line["context"]["api_version"]), (&Value::from(status), &Value::from("v1")), "{line}");
        assert!(line["message"].is_string() && line["context"]["duration_ms"].is_number(), "{line}");
        assert!(Timestamp::parse(line["timestamp"].as_str().unwrap()).is_ok(), "{line}");
    }
}

#[tokio::test]
async fn a_line_says_who_did_what_to_which_note() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "one").await;
    let body = note_update(&note, "two");
    let request = client.request(Method::PUT, &format!("/v1/ide-sync/update/{}", id_of(&note))).header("Idempotency-Key", "k").json(&body);
    let (_, line) = logged(request).await;
    let user: String =
        sqlx::query_scalar("select user_id::text from noted.user_api_keys").fetch_one(&mut shared().inside(&client).await).await.unwrap();
    let context = &line["context"];
    assert_eq!(
        (&context["user_id"], &context["note_id"], &context["sync_origin_id"]),
        (&Value::from(user), &note["id"], &Value::from("test-origin"))
    );
}

#[tokio::test]
async fn no_key_and_nothing_that_a_person_wrote_reaches_the_log() {
    let client = shared().tenant().await;
    let token = |what: &str| format!("{what}{}", Uuid::new_v4().simple());
    let (title, text, path, metadata, query) = (token("title"), token("text"), token("path"), token("metadata"), token("query"));
    let body = with(note_in(&format!("{path}.md"), &text), "title", title.clone());
    let body = with(with(body, "note_type", "agent_generated"), "source_metadata", serde_json::json!({ "agent_name": metadata }));
    let note = client.create(&body).await.data(201)["note"].clone();
    client.create(&body).await.error(409);
    client.create(&with(body.clone(), "ide_file_path", format!("../{path}"))).await.error(422);
    client.create(&with(body.clone(), "content_sha256", text.clone())).await.error(400);
    client.create_raw(format!("{{\"{text}\": {title}")).await.error(400);
    client.create_raw(format!("{{\"{text}\": \u{1}")).await.error(400);
    client.update(id_of(&note), &with(note_update(&note, &text), "version_vector", serde_json::json!({}))).await;
    client.get(&format!("/v1/ide-sync/list?cursor={query}")).await.error(400);
    client.get(&format!("/{query}")).await.error(404);
    let strange = client.anonymous(Method::GET, "/v1/ide-sync/list").bearer_auth(format!("{}x", client.key.api_key));
    send(strange).await.error(401);
    let (_, _) = logged(client.request(Method::DELETE, &format!("/v1/ide-sync/delete/{}", id_of(&note))).header("If-Match", "*")).await;

    let logs = shared().logs().unwrap();
    let secret = client.key.api_key.trim_start_matches("noted_sk_test_");
    for hidden in [title.as_str(), &text, &path, &metadata, &query, secret] {
        assert!(!logs.contains(hidden), "{hidden} was logged");
    }
    // Of all tests that ran so far, not of this one alone.
    assert!(!logs.contains("noted_sk_"), "a key was logged");
    assert!(!logs.contains(&shared().secrets.key_pepper) && !logs.contains(&shared().secrets.app_password), "a secret was logged");
}

#[tokio::test]
async fn a_client_cannot_write_lines_of_its_own() {
    let client = shared().tenant().await;
    let forged = format!("forged-{}", Uuid::new_v4());
    let request = client.request(Method::GET, "/v1/ide-sync/status").header("X-Correlation-ID", format!("a\"}} {{\"x\":\"{forged}"));
    send(request).await.data(200);
    let origin = format!("{forged}\"}},{{\"level\":\"error");
    client.create(&with(note_in("a.md", "a"), "sync_origin_id", origin)).await.data(201);
    logged(client.request(Method::GET, "/v1/ide-sync/status")).await;
    let logs = shared().logs().unwrap();
    let lines: Vec<&str> = logs.lines().filter(|line| line.contains(&forged)).collect();
    assert_eq!(lines.len(), 1, "the origin of the create, and nothing else: {lines:?}");
    let line: Value = serde_json::from_str(lines[0]).unwrap_or_else(|error| panic!("{error}: {}", lines[0]));
    assert_eq!((&line["level"], &line["context"]["operation"]), (&Value::from("info"), &Value::from("ide_sync_create")), "{line}");
}
