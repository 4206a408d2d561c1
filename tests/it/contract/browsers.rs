//! What browsers ask before a page may ask: OPTIONS, and whose pages may.

use noted_tests::client::{Answer, note_in, send};
use noted_tests::world::{WEB_PAGE, shared};
use reqwest::{Method, RequestBuilder};
use uuid::Uuid;

/// A route of each component, with the methods that it has.
const ROUTES: [(&str, &str); 15] = [
    ("/v1/ide-sync/create", "POST, OPTIONS"),
    ("/v1/ide-sync/update/x", "PUT, OPTIONS"),
    ("/v1/ide-sync/delete/x", "DELETE, OPTIONS"),
    ("/v1/ide-sync/batch", "POST, OPTIONS"),
    ("/v1/ide-sync/list", "GET, HEAD, OPTIONS"),
    ("/v1/ide-sync/changes", "GET, HEAD, OPTIONS"),
    ("/v1/ide-sync/status", "GET, HEAD, OPTIONS"),
    ("/v1/notes", "GET, POST, HEAD, OPTIONS"),
    ("/v1/notes/x", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
    ("/v1/conflicts", "GET, HEAD, OPTIONS"),
    ("/v1/rag-query", "POST, OPTIONS"),
    ("/v1/embeddings/backfill", "POST, OPTIONS"),
    ("/v1/agent/write-note", "POST, OPTIONS"),
    ("/internal/jobs/embed", "POST, OPTIONS"),
    ("/health", "GET, HEAD, OPTIONS"),
];

fn from(request: RequestBuilder, origin: &str) -> RequestBuilder {
    request.header("Origin", origin)
}

/// What the answer lets the page do; nothing where it says nothing.
fn allowed(answer: &Answer) -> (&str, bool) {
    let names = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    (answer.header("access-control-allow-origin"), names)
}

#[tokio::test]
async fn every_route_says_which_methods_it_has() {
    let client = shared().tenant().await;
    for (path, methods) in ROUTES {
        let answer = send(client.anonymous(Method::OPTIONS, path)).await;
        assert_eq!((answer.status, answer.header("allow"), answer.body.as_str()), (204, methods, ""), "{path}");
        assert_eq!(allowed(&answer), ("", false), "who is no page is told nothing");
        let refused = send(client.request(Method::TRACE, path)).await;
        assert_eq!((refused.status, refused.header("allow")), (405, methods), "{path}");
    }
    assert_eq!(send(client.anonymous(Method::OPTIONS, "/v1/nowhere")).await.status, 404);
}

#[tokio::test]
async fn a_page_that_may_ask_is_told_what_it_may_send() {
    let client = shared().tenant().await;
    for (path, methods) in ROUTES {
        let preflight = client.anonymous(Method::OPTIONS, path).header("Access-Control-Request-Method", "PUT");
        let answer = send(from(preflight.header("Access-Control-Request-Headers", "authorization,if-match"), WEB_PAGE)).await;
        assert_eq!((answer.status, allowed(&answer)), (204, (WEB_PAGE, true)), "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), methods);
        let sent = answer.header("access-control-allow-headers").to_ascii_lowercase();
        for name in ["authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "x-sync-origin"] {
            assert!(sent.split(", ").any(|sent| sent == name), "{name} in {sent}");
        }
        assert_eq!((answer.header("access-control-max-age"), answer.header("vary")), ("600", "Accept-Encoding, Origin"));
    }
}

#[tokio::test]
async fn a_page_reads_every_answer_or_none() {
    let client = shared().tenant().await;
    let create = |origin: &str| {
        let request = client.request(Method::POST, "/v1/ide-sync/create").header("Idempotency-Key", Uuid::new_v4().to_string());
        send(from(request, origin).json(&note_in(&format!("{}.md", Uuid::new_v4()), "a")))
    };
    let made = create(WEB_PAGE).await;
    assert_eq!((made.status, allowed(&made)), (201, (WEB_PAGE, true)));
    let shown = made.header("access-control-expose-headers");
    assert!(["ETag", "X-Request-Id", "X-RateLimit-Remaining", "Retry-After"].iter().all(|name| shown.contains(name)), "{shown}");
    for answer in [
        send(from(client.anonymous(Method::GET, "/v1/notes"), WEB_PAGE)).await,
        send(from(client.request(Method::GET, "/v1/nowhere"), WEB_PAGE)).await,
        send(from(client.request(Method::GET, "/v1/notes?limit=x"), WEB_PAGE)).await,
    ] {
        assert_eq!(allowed(&answer), (WEB_PAGE, true), "{}", answer.body);
    }
    for origin in ["https://evil.example", "null", "http://localhost:5173.evil.example", "http://localhost", "HTTP://LOCALHOST:5173"] {
        let answer = create(origin).await;
        assert_eq!((answer.status, allowed(&answer)), (201, ("", false)), "{origin}");
        assert_eq!(answer.header("vary"), "Accept-Encoding, Origin");
    }
}
