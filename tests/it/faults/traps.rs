//! A component that traps: whoever asked is answered in the usual form, and whoever was only near it may try again.

use std::fs;

use futures::future::join_all;
use noted_shared::error::Code;
use noted_tests::client::{Answer, send};
use noted_tests::world::{World, checkout, eventually};
use serde_json::{Value, json};

use super::PROMISED;

/// The probe under a manifest that gives problems the bundle's form.
async fn probe() -> (World, tempfile::TempDir) {
    let checkout = checkout();
    let table = |path: &str| -> toml::Table { fs::read_to_string(checkout.join(path)).unwrap().parse().unwrap() };
    let mut manifest = table("tests/probe/spin.toml");
    manifest["application"].as_table_mut().unwrap().insert("tool".into(), table("spin.toml")["application"]["tool"].clone());
    for (_, component) in manifest["component"].as_table_mut().unwrap() {
        let module = checkout.join("target/components/wasm32-wasip2/component/probe.wasm");
        let component = component.as_table_mut().unwrap();
        component.insert("source".into(), module.to_str().unwrap().into());
        component.remove("files");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spin.toml");
    fs::write(&path, manifest.to_string()).unwrap();
    (World::of(path, &[]).await.unwrap(), folder)
}

async fn ask(world: &World, path: &str) -> Answer {
    let url = world.base_url().join(path).unwrap();
    send(reqwest::Client::new().get(url).header("x-request-id", path)).await
}

#[tokio::test]
async fn who_traps_is_500_and_who_was_near_is_told_to_try_again() {
    let (world, _folder) = probe().await;
    // Which requests an instance gets is the host's to decide: until two met in one.
    let met = async || {
        let near = "/probe/lifecycle/sleep?ms=1000";
        let (near, trapped) = tokio::join!(join_all((0..3).map(|_| ask(&world, near))), ask(&world, "/probe/lifecycle/panic?ms=300"));
        assert_is_problem(&trapped, 500, Code::InternalError, "/probe/lifecycle/panic?ms=300");
        let ended: Vec<_> = near.iter().filter(|answer| answer.status != 200).collect();
        for answer in &ended {
            assert_is_problem(answer, 503, Code::ServiceUnavailable, "/probe/lifecycle/sleep?ms=1000");
            assert_eq!(answer.header("retry-after"), "1");
        }
        (!ended.is_empty()).then_some(())
    };
    eventually("a neighbour of a trap", 4 * PROMISED, met).await;
    assert_eq!(ask(&world, "/probe/lifecycle/state").await.status, 200);
}

#[tokio::test]
async fn a_path_without_a_route_is_404_in_the_usual_form() {
    let (world, _folder) = probe().await;
    assert_is_problem(&ask(&world, "/nowhere").await, 404, Code::NotFound, "/nowhere");
}

#[track_caller]
fn assert_is_problem(answer: &Answer, status: u16, code: Code, request_id: &str) {
    assert_eq!((answer.status, answer.header("content-type")), (status, "application/json"), "{}", answer.body);
    assert_eq!((answer.header("x-request-id"), answer.header("cache-control")), (request_id, "no-store"));
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    let envelope = answer.json();
    assert_eq!((&envelope["data"], &envelope["errors"][0]["code"]), (&Value::Null, &json!(code.name())), "{}", answer.body);
    assert_eq!(envelope["meta"]["request_id"], request_id);
}
