//! A network that says nothing, and a lock that nobody releases.

use std::net::SocketAddr;

use futures::future::join_all;
use noted_tests::client::{id_of, note_in};
use noted_tests::proxy::Proxy;
use noted_tests::world::{eventually, shared};
use reqwest::Method;

use super::{
    PROMISED, alone, ask_everywhere, assert_no_transaction_is_left, assert_served_again, assert_somebody_waits_for, assert_unavailable,
    holding, promptly,
};

#[tokio::test]
async fn a_network_that_goes_silent_is_503_in_time_and_is_used_again_when_it_speaks() {
    let (_turn, mut world) = alone().await;
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], world.cluster().port()))).await.unwrap();
    world.database.app_url.set_port(Some(proxy.port())).unwrap();
    world.stop_host();
    world.start_host().unwrap();
    let client = world.tenant().await;
    let note = client.note("a.md", "kept").await;

    proxy.swallow();
    // More than a pool holds, so that whoever waited for a free connection would wait for ever.
    let crowd = (0..100).map(async |_| promptly(client.request(Method::GET, "/v1/ide-sync/status"), "status").await);
    let (everywhere, crowd) = tokio::join!(ask_everywhere(&client, &note), join_all(crowd));
    for (route, answer) in everywhere {
        assert_unavailable(&answer, route);
    }
    for answer in crowd {
        assert_unavailable(&answer, "one of a hundred");
    }
    proxy.deliver();
    assert_served_again(&client, &note).await;
    assert_no_transaction_is_left(&world).await;
}

#[tokio::test]
async fn what_was_given_up_while_the_network_was_silent_is_done_once_when_it_is_sent_again() {
    let (_turn, mut world) = alone().await;
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], world.cluster().port()))).await.unwrap();
    world.database.app_url.set_port(Some(proxy.port())).unwrap();
    world.stop_host();
    world.start_host().unwrap();
    let client = world.tenant().await;
    // Connections that are open when the wire is cut: what is sent on them arrives late.
    join_all((0..8).map(async |number| client.note(&format!("before-{number}.md"), "text").await)).await;
    proxy.swallow();
    let bodies: Vec<_> = (0..8).map(|number| note_in(&format!("{number}.md"), "text")).collect();
    let create = async |(number, body)| client.create_as(&format!("key-{number}"), body).await;
    let refused = join_all(bodies.iter().enumerate().map(create)).await;
    for answer in refused {
        assert_unavailable(&answer, "create");
    }
    proxy.deliver();
    for (number, body) in bodies.iter().enumerate() {
        let done = async || (client.create_as(&format!("key-{number}"), body).await.status == 201).then_some(());
        eventually("a create", PROMISED, done).await;
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 16);
}

#[tokio::test]
async fn a_workspace_that_stays_locked_is_503_and_holds_up_nobody_else() {
    let (client, other) = (shared().tenant().await, shared().tenant().await);
    let note = client.note("a.md", "one").await;
    let mut owner = shared().inside(&client).await;
    let (lock, _) = holding(&mut owner).await;
    let create = async || client.create_as("key-1", &note_in("b.md", "two")).await;
    let others = async || other.create(&note_in("a.md", "one")).await;
    let (refused, others, own_list) = tokio::join!(create(), others(), client.get("/v1/ide-sync/list"));
    assert_unavailable(&refused, "create");
    assert_eq!((others.status, &own_list.data(200)["notes"][0]), (201, &note), "reading needs no lock");
    lock.rollback().await.unwrap();
    assert_eq!(create().await.status, 201);
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_nothing_half_done() {
    let client = shared().tenant().await;
    let mut owner = shared().inside(&client).await;
    let (lock, session) = holding(&mut owner).await;
    let hasty = {
        let (client, body) = (client.clone(), note_in("a.md", "one"));
        tokio::spawn(async move { client.create_as("key-1", &body).await })
    };
    assert_somebody_waits_for(shared(), session).await;
    hasty.abort();
    assert!(hasty.await.is_err_and(|ended| ended.is_cancelled()));
    lock.rollback().await.unwrap();

    let note = client.create_as("key-1", &note_in("a.md", "one")).await.data(201)["note"].clone();
    let listed = client.get("/v1/ide-sync/list").await.data(200);
    assert_eq!((listed["total"].as_i64(), id_of(&listed["notes"][0])), (Some(1), id_of(&note)));
}
