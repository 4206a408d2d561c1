//! A host that is told to stop finishes what it has begun.

use noted_tests::client::note_in;
use noted_tests::world::eventually;
use tokio::net::TcpStream;

use super::{PROMISED, alone, assert_no_transaction_is_left, assert_somebody_waits_for, holding};

#[tokio::test]
async fn a_request_in_flight_is_finished_before_the_host_ends() {
    let (_turn, mut world) = alone().await;
    let client = world.tenant().await;
    let address = client.base().socket_addrs(|| None).unwrap()[0];
    let mut owner = world.inside(&client).await;
    let (lock, session) = holding(&mut owner).await;
    let request = {
        let client = client.clone();
        tokio::spawn(async move { client.create(&note_in("a.md", "in flight")).await })
    };
    assert_somebody_waits_for(&world, session).await;

    let host = world.host.take();
    let stopping = tokio::task::spawn_blocking(move || drop(host));
    eventually("the closing of the door", PROMISED, async || TcpStream::connect(address).await.is_err().then_some(())).await;
    assert!(!request.is_finished() && !stopping.is_finished(), "the host waits for the request");
    lock.rollback().await.unwrap();
    let note = request.await.unwrap().data(201)["note"].clone();
    stopping.await.unwrap();

    world.start_host().unwrap();
    let client = client.at(world.base_url());
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], note);
    assert_no_transaction_is_left(&world).await;
}
