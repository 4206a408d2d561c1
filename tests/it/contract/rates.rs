//! How often a key may ask.

use futures::future::join_all;
use noted::keys::{KeyRequest, Tier};
use noted_tests::client::{Client, note_in};
use noted_tests::world::{World, shared};

use super::{assert_refused, with};

async fn counted(tier: Tier) -> Client {
    shared().tenant_with(|request| KeyRequest { tier, ..request }).await
}

#[tokio::test]
async fn the_hundred_and_first_request_of_a_minute_is_refused_with_the_time_to_wait() {
    let (client, other) = (counted(Tier::Free).await, counted(Tier::Free).await);
    let answers = join_all((0..100).map(|_| client.get("/v1/ide-sync/status"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "the first hundred are served");
    let mut left: Vec<u32> = answers.iter().map(|answer| answer.header("x-ratelimit-remaining").parse().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, (0..100).collect::<Vec<_>>(), "each was counted once");

    for path in ["/v1/ide-sync/status", "/v1/ide-sync/list"] {
        let answer = client.get(path).await;
        let seconds = answer.header("retry-after").to_owned();
        assert!((1..=65).contains(&seconds.parse::<u32>().unwrap()), "{seconds}");
        let message = format!("Maximum 100 requests per minute exceeded. Retry after {seconds} seconds.");
        let details = assert_refused(&answer, (429, "RATE_LIMIT_EXCEEDED", None, &message), path);
        assert_eq!((details["retry_after"].to_string(), &details["limit"]), (seconds, &serde_json::json!(100)));
        assert_eq!((answer.header("x-ratelimit-limit"), answer.header("x-ratelimit-remaining")), ("100", "0"));
    }
    let refused = client.create(&note_in("a.md", "a")).await;
    assert_eq!(refused.status, 429, "a change is counted like anything else");
    assert_eq!(other.get("/v1/ide-sync/status").await.header("x-ratelimit-remaining"), "99", "others are not held up");
}

#[tokio::test]
async fn what_is_refused_for_its_form_is_counted_too() {
    let client = counted(Tier::Free).await;
    for body in ["[]", "{}", "{", ""] {
        assert_eq!(client.create_raw(body).await.status, 400);
    }
    assert_eq!(client.get("/v1/ide-sync/status").await.header("x-ratelimit-remaining"), "95");
}

#[tokio::test]
async fn what_fails_in_the_database_is_counted_too() {
    let world = World::start().await.unwrap();
    let client = world.tenant_with(|request| KeyRequest { tier: Tier::Free, ..request }).await;
    let fails = "alter table noted.notes add constraint no_such_title check (title <> 'fails') not valid";
    sqlx::raw_sql(fails).execute(&mut world.superuser().await).await.unwrap();
    let body = with(note_in("a.md", "a"), "title", "fails");
    for _ in 0..3 {
        assert_eq!(client.create(&body).await.status, 500);
    }
    assert_eq!(client.get("/v1/ide-sync/status").await.header("x-ratelimit-remaining"), "96");
}

#[tokio::test]
async fn each_tier_has_its_own_limit_and_the_operators_own_services_none() {
    for (tier, limit) in [(Tier::Free, "100"), (Tier::Pro, "200"), (Tier::Dev, "60000"), (Tier::Internal, "")] {
        assert_eq!(counted(tier).await.get("/v1/ide-sync/status").await.header("x-ratelimit-limit"), limit, "{tier:?}");
    }
}
