//! The forms that one answer has: whole or its headers alone, plain or packed; and what a path and a header have to be.

use std::io::Read;

use flate2::read::GzDecoder;
use noted_tests::client::{Client, id_of, send};
use noted_tests::world::shared;
use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::assert_refused;

/// What differs between any two answers.
const OF_ONE_ANSWER: [&str; 5] = ["date", "x-request-id", "x-correlation-id", "x-ratelimit-remaining", "x-ratelimit-reset"];

fn comparable(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in OF_ONE_ANSWER {
        headers.remove(name);
    }
    headers
}

async fn ask(client: &Client, method: Method, path: &str, headers: &[(&'static str, &str)]) -> Response {
    let request = headers.iter().fold(client.request(method, path), |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_head_has_the_headers_of_its_get_and_no_body() {
    let client = shared().tenant().await;
    let note = client.note("a.md", &"marmot ".repeat(500)).await;
    let id = id_of(&note);
    let paths = [
        "/v1/ide-sync/list".to_owned(),
        "/v1/ide-sync/changes".to_owned(),
        "/v1/ide-sync/status".to_owned(),
        "/v1/notes".to_owned(),
        format!("/v1/notes/{id}"),
        format!("/v1/notes/{id}/revisions"),
        "/v1/notes/search?q=marmot".to_owned(),
        "/v1/conflicts".to_owned(),
        "/v1/embeddings".to_owned(),
        "/v1/agent/report".to_owned(),
        "/health".to_owned(),
        "/v1/notes/x".to_owned(),
        "/v1/nowhere".to_owned(),
    ];
    for path in paths {
        let get = ask(&client, Method::GET, &path, &[]).await;
        let head = ask(&client, Method::HEAD, &path, &[]).await;
        let length: usize = header(&get, "content-length").parse().unwrap();
        let (status, headers) = (get.status(), comparable(get.headers()));
        assert_eq!(get.bytes().await.unwrap().len(), length, "{path}");
        if path.contains("search") || path == "/health" {
            // These tell how long something took.
            assert_eq!(head.status(), status, "{path}");
        } else {
            assert_eq!((head.status(), comparable(head.headers())), (status, headers), "{path}");
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0, "{path}");
    }
    let tag = header(&ask(&client, Method::HEAD, &format!("/v1/notes/{id}"), &[]).await, "etag").to_owned();
    let known = ask(&client, Method::HEAD, &format!("/v1/notes/{id}"), &[("If-None-Match", &tag)]).await;
    assert_eq!(known.status(), 304);
}

#[tokio::test]
async fn an_answer_is_packed_for_whoever_prefers_it() {
    let client = shared().tenant().await;
    let content = "A marmot sleeps. ".repeat(2000);
    let note = client.note("a.md", &content).await;
    let path = format!("/v1/notes/{}", id_of(&note));
    let plain = ask(&client, Method::GET, &path, &[]).await;
    assert_eq!((header(&plain, "content-encoding"), header(&plain, "vary")), ("", "Accept-Encoding, Origin"));
    let plain_tag = header(&plain, "etag").to_owned();

    let packed = ask(&client, Method::GET, &path, &[("Accept-Encoding", "br, gzip;q=0.8")]).await;
    assert_eq!((header(&packed, "content-encoding"), header(&packed, "vary")), ("gzip", "Accept-Encoding, Origin"));
    let (packed_tag, length) = (header(&packed, "etag").to_owned(), header(&packed, "content-length").to_owned());
    assert_ne!(packed_tag, plain_tag, "two forms, two tags");
    let bytes = packed.bytes().await.unwrap();
    assert_eq!((length.as_str(), bytes.len() < content.len() / 10), (bytes.len().to_string().as_str(), true));
    let mut unpacked = String::new();
    GzDecoder::new(&bytes[..]).read_to_string(&mut unpacked).unwrap();
    let unpacked: Value = serde_json::from_str(&unpacked).unwrap();
    assert_eq!(unpacked["data"]["note"]["content"], content.as_str());

    for tag in [&plain_tag, &packed_tag] {
        let known = ask(&client, Method::GET, &path, &[("If-None-Match", tag), ("Accept-Encoding", "gzip")]).await;
        assert_eq!((known.status().as_u16(), header(&known, "etag")), (304, tag.as_str()), "both name what there is");
        let listed = ask(&client, Method::GET, "/v1/notes?fields=content", &[("Accept-Encoding", "gzip")]).await;
        let list_tag = header(&listed, "etag").to_owned();
        let known = ask(&client, Method::GET, "/v1/notes?fields=content", &[("If-None-Match", &list_tag)]).await;
        assert_eq!(known.status(), 304);
    }
    let changed = client.write(Method::PATCH, &path, &packed_tag, &json!({ "title": "new" })).await;
    assert_eq!(changed.status, 200, "who has seen the packed form has seen the version: {}", changed.body);
    let head = ask(&client, Method::HEAD, &path, &[("Accept-Encoding", "gzip")]).await;
    assert_eq!(header(&head, "content-encoding"), "gzip");
    for refused in ["gzip;q=0", "identity, gzip;q=0.1", "br", "*;q=0"] {
        let answer = ask(&client, Method::GET, &path, &[("Accept-Encoding", refused)]).await;
        assert_eq!(header(&answer, "content-encoding"), "", "{refused}");
    }
    let small = ask(&client, Method::GET, "/v1/ide-sync/status", &[("Accept-Encoding", "gzip")]).await;
    assert_eq!(header(&small, "content-encoding"), "", "what is small is sent as it is");
}

#[tokio::test]
async fn a_header_that_is_no_text_is_refused_before_the_key_is_looked_at() {
    let client = shared().tenant().await;
    for name in ["X-API-Key", "If-Match", "Idempotency-Key", "X-Sync-Origin", "Accept", "Content-Type", "X-Workspace-ID"] {
        let request = client.anonymous(Method::GET, "/v1/notes").header(name, "caf\u{e9}".as_bytes());
        let message = format!("{name} must be visible ASCII characters");
        assert_refused(&send(request).await, (400, "VALIDATION_ERROR", Some(name), &message), name);
    }
    let others = client.request(Method::GET, "/v1/notes").header("X-City", "S\u{e3}o Paulo".as_bytes());
    assert_eq!(send(others).await.status, 200, "what a proxy adds is its own");
}

#[tokio::test]
async fn a_path_with_an_empty_segment_is_no_route() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "a").await;
    let expected = (404, "NOT_FOUND", None, "No such route: the path has two slashes in a row");
    for path in ["//v1/notes", "//v1/ide-sync/list", "/v1//notes", &format!("/v1/notes//{}", id_of(&note)), "/v1/conflicts//x"] {
        let mut url = client.base().clone();
        url.set_path(path);
        let request = reqwest::Client::new().get(url).bearer_auth(&client.key.api_key);
        assert_refused(&send(request).await, expected, path);
    }
}
