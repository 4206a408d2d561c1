//! What every answer looks like, whatever it says.

use std::collections::BTreeMap;

use noted_shared::domain::Timestamp;
use noted_tests::client::{Answer, Client, id_of, note_in, note_update, send};
use noted_tests::routes::KEYED;
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::assert_refused;

#[track_caller]
fn assert_enveloped(answer: &Answer, case: &str) {
    let envelope = answer.json();
    let fields: Vec<_> = envelope.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["data", "errors", "meta"], "{case}: {}", answer.body);
    let meta = &envelope["meta"];
    assert_eq!(meta.as_object().unwrap().len(), 3, "{case}: {meta}");
    assert_eq!((&meta["api_version"], &meta["request_id"]), (&json!("v1"), &json!(answer.header("x-request-id"))), "{case}");
    assert!(Uuid::try_parse(answer.header("x-request-id")).is_ok(), "{case}");
    assert!(Timestamp::parse(meta["timestamp"].as_str().unwrap()).is_ok(), "{case}: {meta}");
    let failed = answer.status >= 400;
    assert_eq!(envelope["errors"].as_array().unwrap().is_empty(), !failed, "{case}: {}", answer.body);
    assert_eq!(envelope["data"].is_null(), failed, "{case}: {}", answer.body);
    // A list has a tag and may be kept, if it is asked for each time whether it still holds.
    let is_kept = answer.status == 200 && envelope["data"]["notes"].is_array();
    let cache_control = if is_kept { "private, no-cache" } else { "no-store" };
    for (name, expected) in [("api-version", "v1"), ("content-type", "application/json"), ("cache-control", cache_control)] {
        assert_eq!(answer.header(name), expected, "{case}: {name}");
    }
    assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "{case}");
    assert!(!answer.header("x-correlation-id").is_empty(), "{case}");
}

/// One answer of each status that the API gives while all is well.
async fn one_of_each(client: &Client) -> Vec<(u16, Answer)> {
    let note = client.note("first.md", "one").await;
    let path = format!("/v1/ide-sync/update/{}", id_of(&note));
    let demanding =
        client.request(Method::PUT, &path).header("If-Match", "\"7\"").header("Idempotency-Key", "k").json(&note_update(&note, "x"));
    vec![
        (201, client.create(&note_in("second.md", "two")).await),
        (200, client.update(id_of(&note), &note_update(&note, "two")).await),
        (200, client.get("/v1/ide-sync/list").await),
        (200, client.get("/v1/ide-sync/status").await),
        (200, client.healthy().await),
        (308, client.get("/ide-sync/list").await),
        (400, client.create_raw("{").await),
        (401, send(client.anonymous(Method::GET, "/v1/ide-sync/list")).await),
        (403, send(client.request(Method::GET, "/v1/ide-sync/list").header("X-Workspace-ID", Uuid::new_v4().to_string())).await),
        (404, client.get("/nowhere").await),
        (404, client.update(&Uuid::new_v4().to_string(), &note_update(&note, "x")).await),
        (405, send(client.request(Method::PATCH, "/v1/ide-sync/list")).await),
        (406, send(client.request(Method::GET, "/v1/ide-sync/list").header("Accept", "text/html")).await),
        (409, client.create(&note_in("second.md", "other")).await),
        (412, send(demanding).await),
        (413, client.create(&note_in("large.md", &"x".repeat((1 << 20) + 1))).await),
        (415, send(client.request(Method::POST, "/v1/ide-sync/create").body("{}")).await),
        (422, client.create(&note_in("../x", "a")).await),
        (200, client.delete(id_of(&note)).await),
    ]
}

#[tokio::test]
async fn every_answer_has_the_envelope_its_length_and_its_version() {
    let client = shared().tenant().await;
    for (place, (status, answer)) in one_of_each(&client).await.iter().enumerate() {
        let case = format!("answer {place} ({status})");
        assert_eq!(answer.status, *status, "{case}: {}", answer.body);
        assert_enveloped(answer, &case);
    }
}

#[tokio::test]
async fn a_path_that_nobody_serves_is_404_in_the_envelope() {
    let client = shared().tenant().await;
    let paths = [
        "/",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v2/ide-sync/list",
        "/v1/ide-sync",
        "/v1/ide-sync/",
        "/v1/ide-sync/nothing",
        "/V1/ide-sync/list",
        "/v1/ide-sync/update",
        "/v1/ide-sync/update/",
        "/v1/ide-sync/update/a/b",
        "/v1/ide-sync/list/more",
        "/ide-syncs/list",
        "/api/notes/list",
        "/favicon.ico",
        "/v1/ide-sync/%6cist",
        "/..%2f..%2fetc/passwd",
        "/v1/ide-sync/list;x=1",
        "/health/more",
    ];
    for path in paths {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = send(client.request(method.clone(), path)).await;
            let case = format!("{method} {path}");
            assert_refused(&answer, (404, "NOT_FOUND", None, "No such route"), &case);
            assert_enveloped(&answer, &case);
        }
    }
}

#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_405_with_the_one_it_has() {
    let client = shared().tenant().await;
    let id = Uuid::new_v4().to_string();
    let mut methods: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for route in KEYED {
        methods.entry(route.path_of(&id)).or_default().push(route.method);
    }
    methods.extend(["/health", "/healthz", "/v1/health"].map(|path| (path.to_owned(), vec!["GET"])));
    for (path, allowed) in methods {
        let others = ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"].into_iter().filter(|method| !allowed.contains(method));
        let with_it = if allowed.contains(&"GET") { ", HEAD, OPTIONS" } else { ", OPTIONS" };
        let allowed = allowed.join(", ");
        let options = send(client.anonymous(Method::OPTIONS, &path)).await;
        assert_eq!((options.status, options.header("allow").to_owned()), (204, format!("{allowed}{with_it}")), "{path}");
        for method in others {
            let answer = send(client.anonymous(Method::from_bytes(method.as_bytes()).unwrap(), &path)).await;
            let (case, message) = (format!("{method} {path}"), format!("Method not allowed; this route has {allowed}"));
            assert_refused(&answer, (405, "METHOD_NOT_ALLOWED", None, &message), &case);
            assert_eq!(answer.header("allow"), format!("{allowed}{with_it}"), "{case}");
            assert_enveloped(&answer, &case);
        }
    }
}

#[tokio::test]
async fn an_answer_that_the_client_could_not_read_is_406() {
    let client = shared().tenant().await;
    let list = |accept: &str| send(client.request(Method::GET, "/v1/ide-sync/list").header("Accept", accept));
    let expected = (406, "NOT_ACCEPTABLE", None, "Only version v1 of this API can answer here, as application/json");
    for accept in [
        "application/vnd.noted.v3+json",
        "application/vnd.noted.v2+json",
        "text/html",
        "application/json;q=0",
        "application/vnd.noted.v10+json",
    ] {
        assert_refused(&list(accept).await, expected, accept);
    }
    for accept in ["*/*", "application/*", "application/json", "application/vnd.noted.v1+json", "text/html, */*;q=0.1", ""] {
        assert_eq!(list(accept).await.status, 200, "{accept:?}");
    }
}

#[tokio::test]
async fn a_route_from_before_versions_sends_on_with_the_dates_of_its_end() {
    let client = shared().tenant().await;
    let id = Uuid::new_v4().to_string();
    for route in KEYED.into_iter().filter(|route| route.path.starts_with("/v1/ide-sync/")) {
        let path = route.path_of(&id);
        let unversioned = format!("{}?limit=1&x=%20", path.trim_start_matches("/v1"));
        let answer = send(client.anonymous(Method::from_bytes(route.method.as_bytes()).unwrap(), &unversioned)).await;
        assert_eq!((answer.status, answer.header("location")), (308, format!("{path}?limit=1&x=%20").as_str()));
        assert!(answer.header("deprecation").starts_with('@'), "{path}");
        assert!(answer.header("sunset").ends_with(" GMT"), "{path}");
        assert!(answer.header("link").contains(&format!("<{path}>; rel=\"successor-version\"")), "{}", answer.header("link"));
        assert_enveloped(&answer, &path);
    }
}

#[tokio::test]
async fn a_redirect_never_leads_to_another_host() {
    let client = shared().tenant().await;
    for path in ["/ide-sync//evil.example", "/ide-sync/%2f%2fevil.example", "/ide-sync/\\evil.example", "/ide-sync/@evil.example"] {
        let answer = send(client.anonymous(Method::GET, path)).await;
        assert!(answer.status == 404 || answer.header("location").starts_with("/v1/ide-sync/"), "{path}: {}", answer.header("location"));
    }
}

#[tokio::test]
async fn a_client_that_follows_the_redirect_loses_neither_method_nor_body_nor_key() {
    let client = shared().tenant().await;
    let following = reqwest::Client::new();
    let url = client.base().join("/ide-sync/create").unwrap();
    let request = following.post(url).bearer_auth(&client.key.api_key).header("Idempotency-Key", "k").json(&note_in("a.md", "caf\u{e9}"));
    let note = send(request).await.data(201)["note"].clone();
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], note);
}

#[tokio::test]
async fn the_chain_that_a_request_belongs_to_is_told_back() {
    let client = shared().tenant().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let ask = async |headers: &[(&str, &str)]| {
        let request = client.request(Method::GET, "/v1/ide-sync/status");
        send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    };
    let cases: [(&[(&str, &str)], &str); 3] =
        [(&[("X-Correlation-ID", "chain-1")], "chain-1"), (&[("traceparent", &parent)], trace), (&[("X-Trace-Id", "t-1")], "t-1")];
    for (headers, expected) in cases {
        assert_eq!(ask(headers).await.header("x-correlation-id"), expected, "{headers:?}");
    }
    let unusable = ["two words", "quote\"", "back\\slash", &"x".repeat(129), ""];
    for value in unusable {
        let answer = ask(&[("X-Correlation-ID", value)]).await;
        assert_eq!(answer.header("x-correlation-id"), answer.header("x-request-id"), "{value:?}");
    }
}

#[tokio::test]
async fn two_requests_never_have_the_same_id_and_none_chooses_its_own() {
    let client = shared().tenant().await;
    let request = || client.request(Method::GET, "/v1/ide-sync/status").header("X-Request-Id", "mine");
    let (first, second) = (send(request()).await, send(request()).await);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_ne!(first.header("x-request-id"), "mine");
}

#[tokio::test]
async fn an_error_names_nothing_of_the_inside() {
    let client = shared().tenant().await;
    for (_, answer) in one_of_each(&client).await {
        let body = answer.body.to_lowercase();
        for word in ["postgres", "sqlstate", "select ", "relation", "panick", "wasm", "/work", ".rs:", "noted_app"] {
            assert!(!body.contains(word), "{word}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn errors_have_the_promised_fields_and_no_others() {
    let client = shared().tenant().await;
    for (status, answer) in one_of_each(&client).await {
        for error in answer.json()["errors"].as_array().unwrap() {
            let Value::Object(fields) = error else { panic!("{error}") };
            assert!(fields["code"].is_string() && fields["message"].is_string(), "{status}: {error}");
            assert!(fields.keys().all(|name| ["code", "message", "field", "details"].contains(&name.as_str())), "{status}: {error}");
        }
    }
}
