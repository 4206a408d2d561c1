//! `GET /health` when something is wrong, and how little it costs.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use noted_tests::client::{Answer, Client, send};
use noted_tests::world::{World, eventually};
use reqwest::Method;
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{PROMISED, alone, promptly};

/// For checks that have milliseconds, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

async fn health(client: &Client) -> Answer {
    promptly(client.anonymous(Method::GET, "/health"), "health").await
}

/// A host that has kept no result of an earlier check.
async fn forgetful(world: &mut World) -> Client {
    world.stop_host();
    world.forget_key_values().unwrap();
    world.start_host().unwrap();
    world.tenant().await
}

#[tokio::test]
async fn a_stopped_database_is_down_and_a_returned_one_is_healthy() {
    let (_turn, mut world) = alone().await;
    let client = world.tenant().await;
    world.cluster_mut().stop().unwrap();
    let answer = health(&client).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "2"), "{}", answer.body);
    let envelope = answer.json();
    assert_eq!(envelope["data"]["status"], "down", "{}", answer.body);
    assert_eq!(envelope["data"]["checks"], json!({ "database": "error", "rag": "degraded", "storage": "error" }));
    assert_eq!(envelope["errors"][0]["code"], "SERVICE_UNAVAILABLE");
    world.cluster_mut().start_again().await.unwrap();
    client.healthy().await;
}

#[tokio::test]
async fn a_part_that_is_slow_changes_its_own_check_alone() {
    let (_turn, mut world) = alone().await;
    let cases = [
        ("rag", "degraded", 200, json!({ "database": "ok", "rag": "degraded", "storage": "ok" })),
        ("storage", "degraded", 200, json!({ "database": "ok", "rag": "ok", "storage": "error" })),
        ("database", "down", 503, json!({ "database": "error", "rag": "ok", "storage": "ok" })),
    ];
    for (slow, status, code, checks) in cases {
        let body = format!("select case when p_part = '{slow}' then pg_sleep(1)::text end; select 'ok'");
        let function = format!("create or replace function api.health(p_part text) returns text language sql as $$ {body} $$");
        sqlx::raw_sql(AssertSqlSafe(function)).execute(&mut world.superuser().await).await.unwrap();
        // On a busy machine another part may be slow as well, for once.
        let alone = async || {
            let answer = health(&forgetful(&mut world).await).await;
            let data = answer.json()["data"].clone();
            ((answer.status, &data["status"], &data["checks"]) == (code, &json!(status), &checks)).then_some(())
        };
        eventually(&format!("{checks}"), PATIENCE, alone).await;
    }
}

#[tokio::test]
async fn a_thousand_calls_check_a_few_times_only() {
    let (_turn, mut world) = alone().await;
    let mut superuser = world.superuser().await;
    sqlx::raw_sql("alter system set track_functions = 'all'").execute(&mut superuser).await.unwrap();
    sqlx::raw_sql("select pg_reload_conf()").execute(&mut superuser).await.unwrap();
    let tracked = async || {
        let setting: String = sqlx::query_scalar("show track_functions").fetch_one(&mut world.superuser().await).await.ok()?;
        (setting == "all").then_some(())
    };
    eventually("the counting of calls", PROMISED, tracked).await;

    let client = world.tenant().await;
    client.healthy().await;
    let calls = stream::iter(0..1000).map(|_| send(client.anonymous(Method::GET, "/health")));
    assert!(calls.buffer_unordered(32).all(async |answer| answer.json()["data"]["checks"].is_object()).await);
    // A session tells what it counted at the latest when it ends.
    world.stop_host();
    let counted = "select calls from pg_stat_user_functions where schemaname = 'api' and funcname = 'health'";
    let counted = async || sqlx::query_scalar::<_, i64>(counted).fetch_optional(&mut superuser).await.ok()?;
    let counted = eventually("the count", PROMISED, counted).await;
    assert!((3..=30).contains(&counted), "{counted} checks for a thousand calls");
}

#[tokio::test]
async fn what_search_by_meaning_lacks_is_told() {
    let (_turn, mut world) = alone().await;
    world.tenant().await.note("a.md", "text").await;
    let cases = [
        (
            "insert into search.providers (model, failures, open_until) values ('model', 5, now() + interval '1 hour')",
            "delete from search.providers where model = 'model'",
        ),
        (
            "update search.notes set embedding_status = 'pending', due_at = now() - interval '11 minutes'",
            "update search.notes set embedding_status = null",
        ),
    ];
    for (fault, end) in cases {
        sqlx::raw_sql(fault).execute(&mut world.superuser().await).await.unwrap();
        let client = forgetful(&mut world).await;
        let told = async || {
            let answer = health(&client).await;
            let data = answer.json()["data"].clone();
            (answer.status == 200 && data["status"] == "degraded" && data["checks"]["rag"] == "degraded").then_some(())
        };
        eventually(fault, PATIENCE, told).await;
        sqlx::raw_sql(end).execute(&mut world.superuser().await).await.unwrap();
        forgetful(&mut world).await.healthy().await;
    }
}

#[tokio::test]
async fn uptime_is_the_services_and_not_an_instances() {
    let (_turn, mut world) = alone().await;
    let client = world.tenant().await;
    client.healthy().await;
    let uptime = async |client: &Client| health(client).await.json()["data"]["uptime_seconds"].as_u64().filter(|&seconds| seconds > 0);
    let before = eventually("time goes by", PATIENCE, async || uptime(&client).await).await;
    world.stop_host();
    world.start_host().unwrap();
    let client = world.tenant().await;
    let after = eventually("the service is back", PATIENCE, async || uptime(&client).await).await;
    assert!(after >= before, "{after} after {before}");
}
