//! `GET /health`: how the service is, without a key and without a word about the inside.

use noted_tests::client::send;
use noted_tests::world::shared;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_healthy_service_says_so_under_all_three_names() {
    let client = shared().tenant().await;
    client.healthy().await;
    for path in ["/health", "/healthz", "/v1/health"] {
        let health = send(client.anonymous(Method::GET, path)).await.data(200);
        assert_eq!(health["status"], "healthy", "{path}: {health}");
        assert_eq!(health["checks"], json!({ "database": "ok", "rag": "ok", "storage": "ok" }), "{path}");
        assert!(health["version"].as_str().unwrap().starts_with('v') && health["uptime_seconds"].is_u64(), "{path}: {health}");
        assert_eq!(health.as_object().unwrap().len(), 4, "{path}: {health}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_no_reason_to_be_refused_the_health() {
    let client = shared().tenant().await;
    client.healthy().await;
    assert_eq!(send(client.anonymous(Method::GET, "/health").bearer_auth("nonsense")).await.status, 200);
}
