//! A database that is not there, has no room, or has gone and come back.

use futures::future::join_all;
use noted_tests::client::{id_of, note_in, send};
use noted_tests::routes::KEYED;
use noted_tests::world::eventually;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use uuid::Uuid;

use super::{PROMISED, alone, ask_everywhere, assert_no_transaction_is_left, assert_served_again, assert_unavailable};

#[tokio::test]
async fn a_stopped_database_is_503_on_every_route_and_is_served_from_again_when_it_is_back() {
    let (_turn, mut world) = alone().await;
    let client = world.tenant().await;
    // One component has a connection that will die, the others have none yet.
    let note = client.note("a.md", "kept").await;
    world.cluster_mut().stop().unwrap();
    for round in 0..2 {
        for (route, answer) in ask_everywhere(&client, &note).await {
            assert_unavailable(&answer, &format!("{route}, round {round}"));
        }
    }
    world.cluster_mut().start_again().await.unwrap();
    assert_served_again(&client, &note).await;
    assert_no_transaction_is_left(&world).await;
}

#[tokio::test]
async fn sessions_that_the_server_ended_are_replaced_without_an_error() {
    let (_turn, mut world) = alone().await;
    let client = world.tenant().await;
    let notes = join_all((0..8).map(async |number| client.note(&format!("{number}.md"), "text").await)).await;
    ask_everywhere(&client, &notes[0]).await;
    let ended = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'noted_app'";
    let ended: i64 = sqlx::query_scalar(ended).fetch_one(&mut world.superuser().await).await.unwrap();
    assert!(ended >= 5, "each component had a connection: {ended}");
    for (route, answer) in ask_everywhere(&client, &notes[1]).await {
        assert!(answer.status < 500, "{route}: {}", answer.body);
    }
    world.cluster_mut().stop().unwrap();
    world.cluster_mut().start_again().await.unwrap();
    for (route, answer) in ask_everywhere(&client, &notes[2]).await {
        assert!(answer.status < 500, "{route}, after a restart that nobody noticed: {}", answer.body);
    }
}

#[tokio::test]
async fn a_burst_on_one_route_leaves_room_for_the_others() {
    let (_turn, world) = alone().await;
    let client = world.tenant().await;
    let note = client.note("a.md", "text").await;
    // As many at once as a component's pool holds, on one route after the other: each pool is full and stays so for a while.
    for route in KEYED {
        let burst = (0..64).map(async |_| send(route.request(&client, id_of(&note))).await);
        for answer in join_all(burst).await {
            assert_ne!(answer.status, 503, "{}: {}", route.path, answer.body);
        }
    }
    client.healthy().await;
}

#[tokio::test]
async fn more_requests_at_once_than_a_pool_holds_are_all_served() {
    let (_turn, world) = alone().await;
    let client = world.tenant().await;
    for round in 0..3 {
        let crowd = (0..200).map(async |_| client.get("/v1/ide-sync/status").await.status);
        let refused = join_all(crowd).await.into_iter().filter(|&status| status != 200).count();
        assert_eq!(refused, 0, "of 200 in round {round}");
    }
}

#[tokio::test]
async fn without_a_free_connection_every_route_is_503_until_there_is_one() {
    let (_turn, world) = alone().await;
    let client = world.tenant().await;
    sqlx::raw_sql("alter role noted_app connection limit 3").execute(&mut world.superuser().await).await.unwrap();
    let app: PgConnectOptions = world.database.app_url.as_str().parse().unwrap();
    let mut taken: Vec<PgConnection> = Vec::new();
    let refused = loop {
        match app.connect().await {
            Ok(connection) => taken.push(connection),
            Err(error) => break error,
        }
    };
    let code = refused.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
    assert_eq!((taken.len(), code.as_str()), (3, "53300"));

    let note = json!({ "id": Uuid::new_v4() });
    for (route, answer) in ask_everywhere(&client, &note).await {
        assert_unavailable(&answer, route);
    }
    let body = note_in("a.md", "one");
    assert_unavailable(&client.create_as("key-1", &body).await, "create");
    drop(taken);
    sqlx::raw_sql("alter role noted_app connection limit 100").execute(&mut world.superuser().await).await.unwrap();
    let created = async || {
        let answer = client.create_as("key-1", &body).await;
        (answer.status == 201).then(|| answer.data(201)["note"].clone())
    };
    let note = eventually("a create", PROMISED, created).await;
    assert_served_again(&client, &note).await;
}
