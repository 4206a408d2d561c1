//! Keys: who gets in at all, and what nobody learns who does not.

use noted::keys::KeyRequest;
use noted_tests::client::{Answer, Client, send};
use noted_tests::routes::KEYED;
use noted_tests::world::shared;
use reqwest::{Method, RequestBuilder};
use uuid::Uuid;

use super::{assert_refused, endless};

const UNAUTHORIZED: (u16, &str, Option<&str>, &str) = (401, "UNAUTHORIZED", None, "Invalid or expired API key");
/// Well-formed, and nobody's.
const UNKNOWN: &str = "noted_sk_test_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn status(client: &Client) -> RequestBuilder {
    client.anonymous(Method::GET, "/v1/ide-sync/status")
}

async fn with_headers(client: &Client, headers: &[(&str, &str)]) -> Answer {
    send(headers.iter().fold(status(client), |request, (name, value)| request.header(*name, *value))).await
}

#[tokio::test]
async fn every_route_but_health_asks_for_a_key() {
    let client = shared().tenant().await;
    for route in KEYED {
        let case = route.path;
        let answer = send(route.anonymous(&client, &Uuid::new_v4().to_string())).await;
        assert_refused(&answer, UNAUTHORIZED, case);
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{case}");
        let answer = send(route.anonymous(&client, &Uuid::new_v4().to_string()).bearer_auth(UNKNOWN)).await;
        assert_refused(&answer, UNAUTHORIZED, case);
    }
    client.healthy().await;
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 0, "nothing was stored");
}

#[tokio::test]
async fn what_is_not_a_key_opens_nothing() {
    let client = shared().tenant().await;
    let key = client.key.api_key.as_str();
    let bearer = format!("Bearer {key}");
    let cases = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        key.to_owned(),
        format!("Basic {key}"),
        format!("Bearer {UNKNOWN}"),
        format!("Bearer {}", &key[..key.len() - 1]),
        format!("{bearer}A"),
        format!("Bearer {}", key.to_uppercase()),
        bearer.replace("_test_", "_live_"),
        bearer.replace("noted_sk_test_", "sk-"),
        "Bearer null".to_owned(),
        "Bearer ' or 1=1 --".to_owned(),
        format!("Bearer {key},Bearer {key}"),
        format!("Bearer {}", "A".repeat(5000)),
    ];
    for value in cases {
        assert_refused(&with_headers(&client, &[("Authorization", &value)]).await, UNAUTHORIZED, &value);
    }
    assert_refused(&with_headers(&client, &[("Authorization", &bearer), ("Authorization", &bearer)]).await, UNAUTHORIZED, "twice");
    assert_eq!(send(status(&client).query(&[("api_key", key)])).await.status, 401, "a URL is no place for a key");
}

#[tokio::test]
async fn a_key_may_come_in_either_header_and_in_both_only_if_they_agree() {
    let client = shared().tenant().await;
    let other = shared().tenant().await;
    let key = client.key.api_key.as_str();
    let bearer = format!("Bearer {key}");
    for accepted in
        [vec![("Authorization", bearer.as_str())], vec![("X-API-Key", key)], vec![("authorization", &bearer), ("x-api-key", key)]]
    {
        assert_eq!(with_headers(&client, &accepted).await.status, 200, "{accepted:?}");
    }
    assert_eq!(with_headers(&client, &[("Authorization", &bearer.replace("Bearer", "bearer"))]).await.status, 200);
    let differing = [
        vec![("Authorization", bearer.as_str()), ("X-API-Key", other.key.api_key.as_str())],
        vec![("Authorization", bearer.as_str()), ("X-API-Key", "")],
        vec![("Authorization", "Basic YTpi"), ("X-API-Key", key)],
        vec![("X-API-Key", key), ("X-API-Key", other.key.api_key.as_str())],
    ];
    for headers in differing {
        assert_refused(&with_headers(&client, &headers).await, UNAUTHORIZED, &format!("{headers:?}"));
    }
}

#[tokio::test]
async fn an_expired_or_revoked_key_is_refused_from_the_next_request_on() {
    for change in ["expires_at = now()", "revoked_at = now()"] {
        let client = shared().tenant().await;
        assert_eq!(client.get("/v1/ide-sync/status").await.status, 200);
        let update = format!("update noted.user_api_keys set {change}");
        let changed = sqlx::raw_sql(sqlx::AssertSqlSafe(update)).execute(&mut shared().inside(&client).await).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
        for route in KEYED {
            let answer = send(route.request(&client, &Uuid::new_v4().to_string())).await;
            assert_refused(&answer, UNAUTHORIZED, &format!("{change} {}", route.path));
        }
    }
}

#[tokio::test]
async fn a_stranger_is_told_nothing_about_the_request() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "a").await;
    let id = noted_tests::client::id_of(&note);
    let post = |body: &str| client.anonymous(Method::POST, "/v1/ide-sync/create").bearer_auth(UNKNOWN).body(body.to_owned());
    let cases = [
        ("no media type", post("{}")),
        ("not JSON", post("{").header("Content-Type", "application/json")),
        ("missing fields", post("{}").header("Content-Type", "application/json")),
        ("too large", post("").header("Content-Type", "application/json").header("Content-Length", "10000000").body(endless(Vec::new()))),
        ("malformed id", client.anonymous(Method::PUT, "/v1/ide-sync/update/x").bearer_auth(UNKNOWN)),
        ("a note that is there", client.anonymous(Method::DELETE, &format!("/v1/ide-sync/delete/{id}")).bearer_auth(UNKNOWN)),
        ("a malformed query", client.anonymous(Method::GET, "/v1/ide-sync/list?limit=x").bearer_auth(UNKNOWN)),
    ];
    for (case, request) in cases {
        assert_refused(&send(request).await, UNAUTHORIZED, case);
    }
}

#[tokio::test]
async fn a_workspace_that_is_named_must_be_the_keys_own() {
    let (client, other) = (shared().tenant().await, shared().tenant().await);
    let own = client.key.workspace_id.to_string();
    assert_eq!(send(client.request(Method::GET, "/v1/ide-sync/status").header("X-Workspace-ID", &own)).await.status, 200);
    let forbidden = (403, "FORBIDDEN", None, "API key does not have required permissions");
    for route in KEYED {
        for foreign in [other.key.workspace_id.to_string(), Uuid::new_v4().to_string()] {
            let request = route.request(&client, &Uuid::new_v4().to_string()).header("X-Workspace-ID", &foreign);
            assert_refused(&send(request).await, forbidden, route.path);
        }
    }
    let request = client.request(Method::GET, "/v1/ide-sync/status").header("X-Workspace-ID", "x");
    let expected = (400, "VALIDATION_ERROR", Some("X-Workspace-ID"), "X-Workspace-ID is not a valid workspace id (a UUID is expected)");
    assert_refused(&send(request).await, expected, "malformed");
}

#[tokio::test]
async fn a_made_key_has_the_promised_form_and_only_its_hash_is_stored() {
    let client = shared().tenant().await;
    let form = regex_lite::Regex::new("^noted_sk_test_[A-Za-z0-9_-]{43}$").unwrap();
    assert!(form.is_match(&client.key.api_key));
    let rows: Vec<String> = sqlx::query_scalar("select key::text from noted.user_api_keys as key")
        .fetch_all(&mut shared().inside(&client).await)
        .await
        .unwrap();
    let secret = client.key.api_key.trim_start_matches("noted_sk_test_");
    assert!(
        rows.len() == 1 && !rows[0].contains(secret) && rows[0].contains(&client.key.api_key[client.key.api_key.len() - 4..]),
        "{rows:?}"
    );
}

#[tokio::test]
async fn a_key_for_an_unknown_scope_is_not_made() {
    let refused = shared().make_key(|request| KeyRequest { scopes: vec!["notes:read".into(), "notes:everything".into()], ..request }).await;
    let refused = format!("{:#}", refused.unwrap_err());
    assert!(refused.contains("Unknown scope: notes:everything"), "{refused}");
}
